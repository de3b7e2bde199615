/** The command line as processes: what it prints, how it ends, and how brokers refuse to start. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../src/cli/free-ports.js';
import { bellwether, freePortRange, ProcessCluster, temporaryFolder, until } from './processes.js';

describe('commands against a running cluster', () => {
  let cluster: ProcessCluster;
  const run = (...args: string[]) => bellwether([...args, '--bootstrap', cluster.bootstrap]);

  beforeAll(async () => {
    cluster = await ProcessCluster.start();
  });
  afterAll(async () => {
    await cluster.close();
  });

  it('create, list, describe and delete topics', async () => {
    expect(await run('topic', 'create', 'a', '--partitions', '2')).toMatchObject({ code: 0 });
    expect(await run('topic', 'create', 'a')).toMatchObject({ code: 1 });
    const list = await run('topic', 'list', '--output', 'json');
    expect(JSON.parse(list.stdout)).toEqual({
      topics: [{ topic: 'a', partition_count: 2, replication_factor: 3 }],
    });
    const described = (await run('topic', 'describe', 'a')).stdout.split('\n');
    expect(described.filter((line) => line.startsWith('partition\t'))).toHaveLength(2);
    expect(described).toContain('config\tretention_ms\t604800000\tDEFAULT\tms');
    expect(await run('topic', 'delete', 'a')).toMatchObject({ code: 0 });
    const missing = await run('topic', 'describe', 'a');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('UNKNOWN_TOPIC_OR_PARTITION');
    expect(missing.stderr).toContain('NOT_APPLIED');
  });

  it('produce, fetch, leader and failover, with the documented keys in JSON', async () => {
    await run('topic', 'create', 'orders');
    const produced = await bellwether(
      ['produce', 'orders', '--partition', '0', '--bootstrap', cluster.bootstrap],
      'one\ntwo\n',
    );
    expect(produced.code).toBe(0);
    const fetched = await run('fetch', 'orders', '0');
    expect(fetched.stdout).toBe('0\t\\N\tone\n1\t\\N\ttwo\n');
    const leader = JSON.parse((await run('leader', 'orders', '0', '--output', 'json')).stdout) as {
      leader: string;
      term: number;
    };
    expect(leader).toMatchObject({ high_watermark: 2 });
    const moved = await run('failover', 'orders', '0', '--failed-leader', leader.leader, '--output', 'json');
    const document = JSON.parse(moved.stdout) as Record<string, unknown>;
    expect(Object.keys(document)).toEqual(['new_leader', 'new_term', 'failover_ms', 'outcome', 'timeline']);
    expect(document['new_leader']).not.toBe(leader.leader);
    expect(document['new_term']).toBeGreaterThan(leader.term);
  });

  it('exit with 2 on wrong usage, naming the flag, and with 1 when no broker answers', async () => {
    const usage = await run('topic', 'create', 'x', '--partitions', 'many');
    expect(usage.code).toBe(2);
    expect(usage.stderr).toContain('--partitions');
    expect((await bellwether(['nonsense'])).code).toBe(2);
    const [port] = await freePorts(1);
    const alone = await bellwether([
      'metadata',
      '--bootstrap',
      `127.0.0.1:${String(port)}`,
      '--timeout-ms',
      '500',
    ]);
    expect(alone.code).toBe(1);
    expect(alone.stderr).toContain('CONNECTION_FAILED');
    const url = await bellwether(['metadata', '--bootstrap', 'http://127.0.0.1:7001']);
    expect(url.code).toBe(2);
    expect(url.stderr).toContain('--bootstrap');
    const peer = cluster.args('n1')[cluster.args('n1').indexOf('--peer-listen') + 1] ?? '';
    const strange = await bellwether(['metadata', '--bootstrap', peer]);
    expect(strange.code).toBe(1);
    expect(strange.stderr).toContain('INVALID_REQUEST');
    expect(strange.stderr).toContain('--peer-listen');
  });

  it('a second broker on the same data folder, and one on a port in use, end with one clear line', async () => {
    const [clientPort, peerPort] = await freePorts(2);
    const address = `127.0.0.1:${String(clientPort)}`;
    const swap = (flag: string, value: string): string[] => {
      const args = [...cluster.args('n1')];
      args[args.indexOf(flag) + 1] = value;
      return args;
    };
    const twice = await bellwether(swap('--listen', address));
    expect(twice.code).toBe(1);
    expect(twice.stderr).toContain('DATA_DIRECTORY_IN_USE');
    const folder = await temporaryFolder();
    try {
      const sameData = swap('--data', folder.path);
      const taken = await bellwether(sameData);
      expect(taken.code).toBe(1);
      expect(taken.stderr).toContain('ADDRESS_UNAVAILABLE');
    } finally {
      await folder.remove();
    }
    expect(peerPort).toBeDefined();
  });
});

describe('bellwether serve', () => {
  const peers = 'n1=127.0.0.1:1,n2=127.0.0.1:2';
  const serve = (data: string, ...more: string[]) =>
    bellwether(
      [
        'serve',
        '--id',
        'n1',
        '--listen',
        '127.0.0.1:0',
        '--peer-listen',
        '127.0.0.1:0',
        '--peers',
        peers,
        '--data',
        data,
      ].concat(more),
    );

  it('names every wrong flag at once and exits with 2', async () => {
    const { code, stderr } = await bellwether([
      'serve',
      '--id',
      'n9',
      '--listen',
      'nowhere',
      '--peer-listen',
      '127.0.0.1:0',
      '--peers',
      'n1=x',
      '--data',
      'd',
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('--listen');
    expect(stderr).toContain('--peers');
  });

  it('refuses a folder that is a file, that is another broker’s, or that is another cluster’s', async () => {
    const folder = await temporaryFolder();
    try {
      const file = join(folder.path, 'file');
      await writeFile(file, 'not a folder');
      const unusable = await serve(file);
      expect(unusable.code).toBe(1);
      expect(unusable.stderr).toContain('DATA_DIRECTORY_UNUSABLE');

      const data = join(folder.path, 'data');
      await startAndStop(data);
      const stranger = await serve(data, '--id', 'n2');
      expect(stranger.code).toBe(1);
      expect(stranger.stderr).toContain('DATA_DIRECTORY_MISMATCH');
      const elsewhere = await serve(data, '--cluster', 'another');
      expect(elsewhere.code).toBe(1);
      expect(elsewhere.stderr).toContain('another');
    } finally {
      await folder.remove();
    }
  });

  /** A broker of its own cluster of two: it starts, waits for its peer, and stops when told to. */
  async function startAndStop(data: string): Promise<void> {
    const launcher = new URL('../../bin/bellwether', import.meta.url).pathname;
    const args = ['serve', '--id', 'n1', '--listen', '127.0.0.1:0', '--peer-listen', '127.0.0.1:0'];
    const child = spawn(process.execPath, [launcher, ...args, '--peers', peers, '--data', data], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await until('the broker listens', () => Promise.resolve(stderr.includes('"listening"')));
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  }
});

/** Ends `up` in order, also after a failed expectation: killed, it would leave its brokers behind. */
async function stopped(up: ChildProcess): Promise<void> {
  if (up.exitCode !== null || up.signalCode !== null) return;
  const ended = once(up, 'exit');
  up.kill('SIGTERM');
  await ended;
}

describe('bellwether up', () => {
  it('ends at once with the broker’s own reason when a port, or the folder, is taken by another cluster', async () => {
    const folder = await temporaryFolder();
    const launcher = new URL('../../bin/bellwether', import.meta.url).pathname;
    const port = await freePortRange(6);
    const ports = ['--port', String(port), '--peer-port', String(port + 3)];
    const first = spawn(process.execPath, [launcher, 'up', '--data', folder.path, ...ports], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let stdout = '';
      first.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      await until('the first cluster is up', () => Promise.resolve(stdout.includes('Ctrl-C stops')));
      const startedMs = performance.now();
      const sameFolder = await bellwether(['up', '--data', folder.path, ...ports]);
      const samePorts = await bellwether(['up', '--data', `${folder.path}-other`, ...ports]);
      expect(performance.now() - startedMs).toBeLessThan(15_000);
      expect(sameFolder).toMatchObject({ code: 1, stdout: '' });
      expect(sameFolder.stderr).toContain('DATA_DIRECTORY_IN_USE: broker n');
      expect(samePorts).toMatchObject({ code: 1, stdout: '' });
      expect(samePorts.stderr).toContain('ADDRESS_UNAVAILABLE: broker n');
      const ended = once(first, 'exit');
      first.kill('SIGINT');
      expect(await ended).toEqual([0, null]);
    } finally {
      await stopped(first);
      await folder.remove();
      await rm(`${folder.path}-other`, { recursive: true, force: true });
    }
  });

  it('refuses port ranges that overlap', async () => {
    const { code, stderr } = await bellwether(['up', '--port', '7501', '--peer-port', '7502']);
    expect(code).toBe(2);
    expect(stderr).toContain('--peer-port overlap');
  });

  it('says who leads what and what to try next, and stops cleanly on Ctrl-C', async () => {
    const folder = await temporaryFolder();
    const port = await freePortRange(6);
    const launcher = new URL('../../bin/bellwether', import.meta.url).pathname;
    const flags = ['--port', String(port), '--peer-port', String(port + 3), '--data', folder.path];
    const child = spawn(process.execPath, [launcher, 'up', '--topic', 'orders:3', ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      await until('the cluster is up', () => Promise.resolve(stdout.includes('Ctrl-C stops the cluster.')));
      expect(stdout).toMatch(/orders\t0\tn1\t\d+\tn1,n2,n3/);
      expect(stdout).toMatch(/orders\t2\tn3\t\d+\tn3,n1,n2/);
      expect(stdout).toContain('failover orders 0 --failed-leader n1');
      const pids = [...stdout.matchAll(/pid (\d+)/g)].map((match) => Number(match[1]));
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      expect(await ended).toEqual([0, null]);
      expect(pids).toHaveLength(3);
      for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
    } finally {
      await stopped(child);
      await folder.remove();
    }
  });

  it('goes on without a broker that was removed, now and at the next start, and starts one that was added', async () => {
    const folder = await temporaryFolder();
    const port = await freePortRange(8);
    const at = (offset: number): string => `127.0.0.1:${String(port + offset)}`;
    const launcher = new URL('../../bin/bellwether', import.meta.url).pathname;
    const flags = ['--port', String(port), '--peer-port', String(port + 4), '--data', folder.path];
    const children: ChildProcess[] = [];
    const up = async () => {
      const child = spawn(process.execPath, [launcher, 'up', '--topic', 'orders', ...flags], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      children.push(child);
      const said = { text: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said.text += text));
      await until('the cluster is up', () => Promise.resolve(said.text.includes('Ctrl-C stops')));
      return { child, said };
    };
    try {
      const first = await up();
      const where = ['--listen', at(3), '--peer-listen', at(7), '--peers', `n2=${at(5)}`];
      const joins = ['serve', '--join', '--id', 'n4', ...where, '--data', join(folder.path, 'n4')];
      const n4 = spawn(process.execPath, [launcher, ...joins], { stdio: 'ignore' });
      children.push(n4);
      const bootstrap = ['--bootstrap', at(1)];
      expect(await bellwether(['broker', 'add', `n4=${at(7)}`, ...bootstrap])).toMatchObject({ code: 0 });
      expect(await bellwether(['broker', 'remove', 'n1', ...bootstrap])).toMatchObject({ code: 0 });
      const ended = 'n1 was removed from the cluster and has ended.';
      await until('the end of n1 is told', () => Promise.resolve(first.said.text.includes(ended)));
      expect(first.said.text).not.toContain('To start it again');
      await stopped(first.child);
      await stopped(n4);

      const second = await up();
      expect(second.said.text).toContain('n1 was removed from the cluster; its data folder is not used');
      expect([...second.said.text.matchAll(/(n\d) .* pid /g)].map(([, id]) => id)).toEqual([
        'n2',
        'n3',
        'n4',
      ]);
      expect(second.said.text).not.toContain('Warning');
      expect(second.said.text).toContain(`produce orders --partition 0 --bootstrap ${at(1)}`);
      await stopped(second.child);
      expect(second.child.exitCode).toBe(0);
    } finally {
      await Promise.all(children.map(stopped));
      await folder.remove();
    }
  });
});
