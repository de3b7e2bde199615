/** Brokers are told to stop (SIGTERM) while clients write and read: no call fails. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { checkHistory, describeReport } from '../../src/history/check.js';
import { connect } from '../../src/client/index.js';
import { HistoryRecorder } from './history.js';
import { freePortRange, temporaryFolder, until } from './processes.js';
import { REF, type Stage, underLoad } from './under-load.js';
import { readToEnd } from './workload.js';

const PARTITIONS = 3;

/** Longest time without an acknowledged write; what a stop costs is printed, this only finds one that blocks. */
const GAP_MAX_MS = 2_000;

/** Bound of each call: no machine is so slow that a call fails for want of time. */
const TIMEOUT_MS = 10_000;

function loaded(act: (stage: Stage) => Promise<void>): Promise<void> {
  return underLoad(PARTITIONS, act, { timeoutMs: TIMEOUT_MS });
}

/** What did not end well, of all that clients did. */
function failures({ operations }: HistoryRecorder): readonly unknown[] {
  return operations.filter((operation) => 'outcome' in operation && operation.outcome !== 'ok');
}

/** SIGTERM, and waits for the end in order. */
async function stop({ cluster }: Stage, id: string): Promise<void> {
  cluster.signal(id, 'SIGTERM');
  expect(await cluster.ended(id)).toBe(0);
  expect(cluster.stderr(id)).toMatch(/"ledStill":0,"msg":"handed over"/);
}

it('a leader that is told to stop costs no client a failed call', async ({ annotate }) => {
  await loaded(async (stage) => {
    const { leader } = await stage.client.partitionLeader(REF);
    const startedMs = performance.now();
    await stop(stage, leader);
    await stage.writesGoOn();
    const gapMs = stage.recorder.longestGapMs(startedMs);
    await annotate(`longest time without an acknowledged write: ${gapMs.toFixed(0)} ms`);
    expect(gapMs).toBeLessThan(GAP_MAX_MS);
    expect(failures(stage.recorder)).toEqual([]);
  });
});

it('a restart of one broker after the other costs no client a failed call', async ({ annotate }) => {
  await loaded(async (stage) => {
    const startedMs = performance.now();
    for (const id of stage.cluster.ids) {
      await stop(stage, id);
      stage.cluster.launch(id);
      await stage.cluster.allAlive();
      await until(`${id} has caught up`, async () => {
        const { inSyncReplicas } = await stage.client.partitionLeader(REF);
        return inSyncReplicas.includes(id);
      });
    }
    await stage.writesGoOn();
    const gapMs = stage.recorder.longestGapMs(startedMs);
    await annotate(`longest time without an acknowledged write: ${gapMs.toFixed(0)} ms`);
    expect(failures(stage.recorder)).toEqual([]);
  });
});

it('a broker of `up` that gets the signal itself costs no client a failed call either', async () => {
  const folder = await temporaryFolder();
  const port = await freePortRange(6);
  const launcher = new URL('../../bin/bellwether', import.meta.url).pathname;
  const flags = ['--port', String(port), '--peer-port', String(port + 3), '--data', folder.path];
  const up = spawn(process.execPath, [launcher, 'up', '--topic', REF.topic, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const upEnds = once(up, 'exit');
  let stdout = '';
  up.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const says = (text: string) => until(`up says "${text}"`, () => Promise.resolve(stdout.includes(text)));
  const client = await connect({ brokers: [`127.0.0.1:${String(port + 1)}`] });
  try {
    await says('Ctrl-C stops the cluster.');
    const recorder = new HistoryRecorder();
    const { leader } = await client.partitionLeader(REF);
    const pid = Number(new RegExp(`${leader} .* pid (\\d+)`).exec(stdout)?.[1]);
    let isOver = false;
    const writing = (async () => {
      while (!isOver) await recorder.send(0, client, REF, 1, 5_000);
    })();
    await recorder.moreAcknowledged(20, 10_000);
    process.kill(pid, 'SIGTERM');
    await says(`Broker ${leader} ended (exit code 0)`);
    await recorder.moreAcknowledged(20, 10_000);
    isOver = true;
    await writing;
    await readToEnd(recorder, client, REF);
    expect(failures(recorder)).toEqual([]);
    const report = checkHistory(recorder.operations);
    expect(report.anomalies, describeReport(report)).toEqual([]);
  } finally {
    await client.close();
    up.kill('SIGTERM');
    await upEnds;
    await folder.remove();
  }
});
