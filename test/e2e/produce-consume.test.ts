/** `bellwether produce` and `consume` as processes: what a shell does to them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BellwetherClient } from '../../src/client/index.js';
import { bellwether, LAUNCHER, ProcessCluster, until } from './processes.js';

let cluster: ProcessCluster;
let client: BellwetherClient;

beforeAll(async () => {
  cluster = await ProcessCluster.start();
  client = await cluster.client();
  for (const topic of ['large', 'signals']) await client.admin.createTopic(topic);
});

afterAll(() => cluster.close());

/** Starts a command and leaves its stdin open. */
function start(...args: readonly string[]) {
  const all = [LAUNCHER, ...args, '--bootstrap', cluster.bootstrap];
  const child = spawn(process.execPath, all, { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const closed = once(child, 'close');
  return { child, said, closed };
}

describe('produce and consume', () => {
  it('carry megabytes from stdin to stdout, byte by byte, and count them', async () => {
    const text = Array.from({ length: 200_000 }, (_, i) => `line ${i} é\n`).join('');
    const size = Buffer.byteLength(text) - 200_000;
    const counts = `200000 records (${size} bytes)`;
    const at = ['--bootstrap', cluster.bootstrap];
    const produced = await bellwether(['produce', 'large', ...at], text);
    expect([produced.code, produced.stdout, produced.stderr]).toEqual([
      0,
      '0\t200000\t0\t199999\t1\n',
      `${counts} appended\n`,
    ]);
    const consumed = await bellwether(['consume', 'large', '-e', ...at]);
    expect([consumed.code, consumed.stderr]).toEqual([0, `${counts} consumed\n`]);
    expect(consumed.stdout === text).toBe(true);
  });

  it('end in order at Ctrl-C: whole lines are appended, a piece of one is not', async () => {
    const ref = { topic: 'signals', partition: 0 };
    const consumer = start('consume', 'signals', '-f', '%s,');
    const producer = start('produce', 'signals');
    producer.child.stdin.write('one\ntwo\npiece');
    await until(
      'both lines are appended',
      async () => (await client.listOffsets(ref, 'latest')).offset === 2,
    );
    await until('both lines are printed', async () => consumer.said.stdout === 'one,two,');
    producer.child.kill('SIGINT');
    consumer.child.kill('SIGINT');
    expect(await producer.closed).toEqual([0, null]);
    expect(await consumer.closed).toEqual([0, null]);
    expect(producer.said).toEqual({ stdout: '0\t2\t0\t1\t1\n', stderr: '2 records (6 bytes) appended\n' });
    expect(consumer.said.stderr).toBe('2 records (6 bytes) consumed\n');
    expect((await client.listOffsets(ref, 'latest')).offset).toBe(2);
  });

  it('produce goes on over the death of the leader: every line once, in order, and nothing to report', async () => {
    const ref = { topic: 'signals', partition: 0 };
    const { offset: before } = await client.listOffsets(ref, 'latest');
    const producer = start('produce', 'signals', '-p', '0');
    const block = (from: number) => Array.from({ length: 20_000 }, (_, i) => `${from + i} é\n`).join('');
    producer.child.stdin.write(block(0));
    await until(
      'some of it is appended',
      async () => (await client.listOffsets(ref, 'latest')).offset > before,
    );
    const { leader } = await client.partitionLeader(ref);
    producer.child.stdin.write(block(20_000));
    await cluster.kill(leader);
    producer.child.stdin.end(block(40_000));
    expect(await producer.closed).toEqual([0, null]);
    cluster.launch(leader);
    await cluster.allAlive();
    expect(producer.said.stderr).toMatch(/(^|\n)60000 records \(\d+ bytes\) appended\n$/);
    const { stdout } = await bellwether([
      ...['consume', 'signals', '-e', '-o', String(before), '--bootstrap', cluster.bootstrap],
    ]);
    expect(stdout === block(0) + block(20_000) + block(40_000)).toBe(true);
  });

  it('consume ends without a word when the reader of its output is gone', async () => {
    const { child, said, closed } = start('consume', 'large');
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await closed).toEqual([0, null]);
    expect(said.stderr).toBe('');
  });
});
