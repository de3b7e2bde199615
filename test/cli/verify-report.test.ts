/** The verdict of `bellwether verify` in a pipe. */
import { expect, it } from 'vitest';
import { print } from '../../src/cli/output.js';
import { verdictReport } from '../../src/cli/verify-report.js';
import { Recorder } from '../../src/verify/recorder.js';
import { judge } from '../../src/verify/verdict.js';

it('is a line for each fact, its name first, then the partitions', async () => {
  const circumstances = {
    ...{ topic: 't', drivenS: 1, endedEarly: false, faults: { kill: 2 }, failovers: 3, replicasRead: 6 },
    ...{ unreadable: [], brokersDown: ['n3'] },
  };
  const lines: string[] = [];
  const write = async (text: string | Uint8Array): Promise<void> => {
    lines.push(...Buffer.from(text).toString().trimEnd().split('\n'));
  };
  await print(
    { isTty: false, write },
    'table',
    verdictReport(judge(new Recorder('t', 1, 16), circumstances)),
  );
  expect(lines).toEqual(
    expect.arrayContaining(['ok\ttrue', 'topic\tt', 'failovers\t3', 'faults\tkill 2', 'brokers_down\tn3']),
  );
  expect(lines.at(-1)).toMatch(/^partition\t0\t\d/);
});
