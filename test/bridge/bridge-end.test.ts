import { PassThrough, Readable, Writable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CLOSE_MS, runBridge } from '../../src/bridge/bridge.js';
import { FakeCluster } from './fake-cluster.js';
import { BridgeHarness, deferred, INIT_LINE, initialised, LEADER_LINE, turn } from './harness.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('the end of input', () => {
  it('waits for what is in flight, closes the cluster and resolves with 0', async () => {
    const bridge = await initialised();
    const slow = deferred();
    bridge.cluster.gate = () => slow.promise;
    bridge.write(LEADER_LINE);
    bridge.input.end();
    await turn();
    expect(bridge.cluster.closeCount).toBe(0);
    slow.resolve();
    expect(await bridge.done).toBe(0);
    expect(bridge.lines).toHaveLength(2);
    expect(bridge.cluster.closeCount).toBe(1);
  });

  it('waits no longer than drainMs, logs what has no answer, and starts nothing that waited', async () => {
    const bridge = await initialised({ drainMs: 10 });
    const slow = deferred();
    bridge.cluster.addTopic('t', 1);
    bridge.cluster.gate = () => slow.promise;
    bridge.tell('c1', { type: 'partition_leader', msg_id: 2, topic: 't', partition: 0 });
    bridge.tell('c1', { type: 'produce', msg_id: 3, topic: 't', value: 1 });
    expect(await bridge.finish()).toHaveLength(1);
    expect(await bridge.done).toBe(0);
    expect(bridge.logged).toEqual([
      'partition_leader from c1 (msg_id 2) was not answered within 10 ms of the end of input',
      'produce from c1 (msg_id 3) was not answered within 10 ms of the end of input',
    ]);
    slow.resolve();
    await turn();
    expect(bridge.lines).toHaveLength(1);
    expect(bridge.cluster.callsOf('produce')).toEqual([]);
    expect(bridge.cluster.closeCount).toBe(1);
  });

  it('closes a cluster that opens too late', async () => {
    const opening = deferred();
    const cluster = new FakeCluster();
    const bridge = new BridgeHarness({
      drainMs: 5,
      openCluster: () => opening.promise.then(() => cluster),
    }).read();
    bridge.write(INIT_LINE);
    bridge.input.end();
    await bridge.until(() => bridge.logged.length > 0);
    opening.resolve();
    expect(await bridge.done).toBe(0);
    expect(bridge.lines).toEqual([]);
    expect(cluster.closeCount).toBe(1);
  });

  it('opens no cluster for an init that waited behind one that failed too late', async () => {
    const opening = deferred();
    const bridge = new BridgeHarness({
      drainMs: 5,
      openCluster: (nodeIds) => {
        bridge.opened.push(nodeIds);
        return opening.promise.then(() => Promise.reject(new Error('no port')));
      },
    }).read();
    bridge.write(INIT_LINE, INIT_LINE);
    bridge.input.end();
    await bridge.until(() => bridge.logged.length === 2);
    opening.resolve();
    expect(await bridge.done).toBe(0);
    await turn();
    expect(bridge.opened).toHaveLength(1);
  });

  it('comes only after the output has taken the last answer', async () => {
    const takes: (() => void)[] = [];
    const output = new Writable({ write: (_chunk, _encoding, done) => takes.push(done) });
    const cluster = new FakeCluster();
    const log = (line: string) => expect.fail(line);
    const input = Readable.from([`${INIT_LINE}\n`]);
    const done = runBridge({ input, output, log, openCluster: () => Promise.resolve(cluster) });
    for (let turns = 0; turns < 5; turns++) await turn();
    expect([takes.length, cluster.closeCount]).toEqual([1, 0]);
    while (cluster.closeCount === 0) {
      takes.shift()?.();
      await turn();
    }
    expect(await done).toBe(0);
  });

  it('needs no init, and logs when the cluster cannot be closed', async () => {
    const bridge = new BridgeHarness().read();
    expect(await bridge.finish()).toEqual([]);
    expect(await bridge.done).toBe(0);
    const failing = await initialised();
    failing.cluster.close = () => Promise.reject(new Error('stuck'));
    await failing.finish();
    expect(await failing.done).toBe(0);
    expect(failing.logged).toEqual(['closing the cluster failed: stuck']);
  });

  it('waits a bounded time for the cluster to close', async () => {
    const bridge = await initialised();
    bridge.cluster.close = () => new Promise(() => undefined);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    bridge.input.end();
    await turn();
    await vi.advanceTimersByTimeAsync(CLOSE_MS);
    expect(await bridge.done).toBe(0);
    expect(bridge.logged).toEqual(['closing the cluster took longer than 5000 ms']);
  });

  it('comes too when the input fails, or when nobody reads the output any more', async () => {
    const logged: string[] = [];
    const log = (line: string) => logged.push(line);
    const openCluster = () => Promise.resolve(new FakeCluster());
    const broken = new Readable({
      read() {
        this.destroy(new Error('EIO'));
      },
    });
    expect(await runBridge({ input: broken, output: new PassThrough(), log, openCluster })).toBe(0);
    expect(logged).toEqual(['input: EIO']);
    const input = new PassThrough();
    const output = new Writable({
      write(_chunk, _encoding, done) {
        done(new Error('EPIPE'));
      },
    });
    input.write(`${INIT_LINE}\n`);
    expect(await runBridge({ input, output, log, openCluster })).toBe(0);
    expect(logged[1]).toBe('output: EPIPE; nobody is left to answer');
  });
});
