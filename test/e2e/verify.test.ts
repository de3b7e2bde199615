/** `bellwether verify` as a process: with brokers of its own that it breaks, and against a running cluster. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { bellwether, LAUNCHER, ProcessCluster, until } from './processes.js';

interface Verdict {
  readonly ok: boolean;
  readonly ended_early: boolean;
  readonly acknowledged: number;
  readonly missing: number;
  readonly failovers: number;
  readonly replicas_read: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly partitions: readonly { readonly longest_unavailable_ms: number }[];
}

/** Folders of clusters that verify started. */
async function folders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('bellwether-verify-')).sort();
}

describe('bellwether verify', () => {
  it('kills, pauses and cuts off brokers of its own, finds all that was acknowledged, and leaves nothing', async () => {
    const before = await folders();
    const torment = process.platform === 'linux' ? 'kill,pause,cut' : 'kill,pause';
    const args = ['--local', '3', '--torment', torment, '--every', '1s', '--seconds', '8', '--rate', '500'];
    const { code, stdout, stderr } = await bellwether(['verify', ...args, '--output', 'json']);
    expect(stderr).toBe('');
    const verdict = JSON.parse(stdout) as Verdict;
    expect(verdict).toMatchObject({ ok: true, ended_early: false, missing: 0, replicas_read: 18 });
    expect(Object.keys(verdict.faults).sort().join()).toBe(torment.split(',').sort().join());
    expect(verdict.acknowledged).toBeGreaterThan(500);
    expect(verdict.failovers).toBeGreaterThan(0);
    expect(verdict.partitions.length).toBe(6);
    expect(code).toBe(0);
    expect(await folders()).toEqual(before);
  });

  it('ends at Ctrl-C with the verdict so far, and deletes its topic', async () => {
    const cluster = await ProcessCluster.start();
    try {
      const args = ['verify', '--brokers', cluster.bootstrap, '--seconds', '600', '--output', 'json'];
      const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      const closed = once(child, 'close');
      const client = await cluster.client();
      const topics = async () => (await client.admin.listTopics()).map(({ topic }) => topic);
      await until('verify has written something', async () => {
        const [topic = ''] = await topics();
        return (await client.listOffsets({ topic, partition: 0 }, 'latest')).offset > 0;
      });
      child.kill('SIGINT');
      expect(await closed).toEqual([0, null]);
      expect(JSON.parse(stdout) as Verdict).toMatchObject({ ok: true, ended_early: true, faults: {} });
      expect(await topics()).toEqual([]);
    } finally {
      await cluster.close();
    }
  });
});
