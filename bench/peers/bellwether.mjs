/** Bellwether as a system under measurement: three processes, one partition, the SDK. */
import { closedLoop } from '../lib/closed-loop.mjs';
import { BrokerProcesses } from '../lib/broker-processes.mjs';
import { ownVersion } from '../lib/command.mjs';
import { allInSync, createTopic } from '../lib/topic.mjs';

/** @type {import('./system.mjs').System} */
export const bellwether = {
  name: 'bellwether',
  install: '',
  setting: 'all defaults, fsync on',
  version: ownVersion,
  start,
};

/** Calls in flight in a flood, and records in each. */
const CALLS_IN_FLIGHT = 16;
const RECORDS_PER_CALL = 100;

/** @param {string} folder */
async function start(folder) {
  const processes = await BrokerProcesses.start({ folder, balanced: false });
  const client = await processes.client();
  const observer = await processes.client();
  const ref = await createTopic(observer, 'bench');
  return {
    // The client knows all brokers, and finds the next one by itself.
    endpoints: 1,
    /** @param {number} _endpoint @param {string} value @param {number} timeoutMs */
    write: async (_endpoint, value, timeoutMs) => {
      await client.produce(ref, [{ value: Buffer.from(value) }], { timeoutMs });
    },
    /** @param {number} _endpoint @param {number} valueBytes @param {number} seconds */
    flood: async (_endpoint, valueBytes, seconds) => {
      const value = Buffer.alloc(valueBytes, 'v');
      const records = Array.from({ length: RECORDS_PER_CALL }, () => ({ value }));
      const call = () => client.produce(ref, records);
      const { calls_per_second } = await closedLoop({ inFlight: CALLS_IN_FLIGHT, seconds, call });
      return calls_per_second * RECORDS_PER_CALL;
    },
    endpointOf: () => 0,
    leader: async () => (await allInSync(observer, ref)).leader,
    whole: async () => {
      await processes.whole();
      await allInSync(observer, ref);
    },
    kill: (/** @type {string} */ id) => processes.kill(id),
    launch: (/** @type {string} */ id) => processes.launch(id),
    stop: () => processes.stop(),
  };
}
