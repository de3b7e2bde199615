/** Bellwether as a system under measurement: three processes, one partition, the SDK. */
import { send } from '../cases/sdk.mjs';
import { BrokerProcesses } from '../lib/broker-processes.mjs';
import { ownVersion } from '../lib/command.mjs';
import { allInSync, createTopic } from '../lib/topic.mjs';
import { floodOfCalls } from './speed.mjs';

/** Of a client that sends one record a call. */
const CALLS_IN_FLIGHT = 256;

/** @type {import('./system.mjs').System} */
export const bellwether = {
  name: 'bellwether',
  install: '',
  setting: 'all defaults, fsync on',
  version: ownVersion,
  start,
};

/** @param {string} folder */
async function start(folder) {
  const processes = await BrokerProcesses.start({ folder, balanced: false });
  const client = await processes.client();
  const observer = await processes.client();
  const ref = await createTopic(observer, 'bench');
  const producer = client.producer();
  /** @param {number} _endpoint @param {string} value @param {number} timeoutMs */
  const write = async (_endpoint, value, timeoutMs) => {
    await client.produce(ref, [{ value: Buffer.from(value) }], { timeoutMs });
  };
  return {
    // The client knows all brokers, and finds the next one by itself.
    endpoints: 1,
    write,
    clients: [
      {
        name: 'SDK producer',
        /** @param {number} _endpoint @param {string} value */
        write: async (_endpoint, value) => {
          await producer.send(ref.topic, { value: Buffer.from(value) });
        },
        /** @param {number} _endpoint @param {number} valueBytes @param {number} seconds */
        flood: (_endpoint, valueBytes, seconds) => send({ producer, topic: ref.topic, valueBytes, seconds }),
      },
      { name: 'SDK, one call a record', write, flood: floodOfCalls(write, CALLS_IN_FLIGHT) },
    ],
    endpointOf: () => 0,
    leader: async () => (await allInSync(observer, ref)).leader,
    whole: async () => {
      await processes.whole();
      await allInSync(observer, ref);
    },
    kill: (/** @type {string} */ id) => processes.kill(id),
    launch: (/** @type {string} */ id) => processes.launch(id),
    stop: async () => {
      await producer.close();
      await processes.stop();
    },
  };
}
