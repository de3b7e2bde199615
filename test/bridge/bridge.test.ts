import { describe, expect, it } from 'vitest';
import { CALL_TIMEOUT_MS } from '../../src/bridge/call-budget.js';
import { FakeCluster, failure } from './fake-cluster.js';
import {
  BridgeHarness,
  deferred,
  INIT_LINE,
  INIT_OK_LINE,
  initialised,
  LEADER_LINE,
  turn,
} from './harness.js';

describe('the documented samples', () => {
  it('have the documented answers, byte for byte', async () => {
    const bridge = new BridgeHarness().read();
    bridge.write(INIT_LINE, LEADER_LINE);
    expect(await bridge.finish()).toEqual([
      INIT_OK_LINE,
      '{"src": "n1", "dest": "c1", "body": {"type": "partition_leader_ok", "in_reply_to": 2, "leader": "n1", "followers": ["n2", "n3"], "term": 1, "msg_id": 1}}',
    ]);
    expect(bridge.logged).toEqual([]);
    expect(bridge.opened).toEqual([['n1', 'n2', 'n3']]);
    expect(bridge.cluster.closeCount).toBe(1);
  });

  it('have the documented answers when each byte comes alone and the last line has no end', async () => {
    const bridge = new BridgeHarness().read();
    const line = LEADER_LINE.replace('"partition_leader"', '"partition_failover","failed_leader":"n1"');
    for (const byte of Buffer.from(`${INIT_LINE}\r\n${line}`)) bridge.input.write(Uint8Array.of(byte));
    expect(await bridge.finish()).toEqual([
      INIT_OK_LINE,
      '{"src": "n1", "dest": "c1", "body": {"type": "partition_failover_ok", "in_reply_to": 2, "new_leader": "n2", "new_term": 2, "failover_ms": 7, "msg_id": 1}}',
    ]);
  });
});

describe('init', () => {
  it('comes first, and only once', async () => {
    const bridge = new BridgeHarness().read();
    bridge.write(LEADER_LINE);
    expect(await bridge.nextReply()).toMatchObject({
      src: 'n1',
      dest: 'c1',
      body: { code: 22, text: 'body.type: init comes first' },
    });
    bridge.write(INIT_LINE, INIT_LINE.replaceAll('"n1"', '"n2"').replace('"n2","n2"', '"n1","n2"'));
    expect((await bridge.nextReply()).body).toMatchObject({ type: 'init_ok' });
    expect(await bridge.nextReply()).toMatchObject({
      src: 'n1',
      body: { code: 22, text: 'body.type: init was already served, this node is n1' },
    });
    expect(bridge.opened).toHaveLength(1);
    await bridge.finish();
  });

  it('answers 13 with the cause when the cluster cannot be opened, and can be sent again', async () => {
    const results = [Promise.reject(failure('ADDRESS_UNAVAILABLE')), Promise.resolve(new FakeCluster())];
    const bridge = new BridgeHarness({
      openCluster: () => results.shift() ?? Promise.reject(new Error()),
    }).read();
    bridge.write(INIT_LINE, LEADER_LINE);
    expect((await bridge.nextReply()).body).toMatchObject({
      code: 13,
      text: 'init failed: the fake says ADDRESS_UNAVAILABLE',
      reason: 'ADDRESS_UNAVAILABLE',
    });
    expect((await bridge.nextReply()).body).toMatchObject({ code: 22 });
    bridge.write(INIT_LINE, LEADER_LINE);
    expect((await bridge.nextReply()).body).toMatchObject({ type: 'init_ok' });
    expect((await bridge.nextReply()).body).toMatchObject({ type: 'partition_leader_ok' });
    await bridge.finish();
  });

  it('is waited for by the lines of every source that come while it runs', async () => {
    const opening = deferred();
    const cluster = new FakeCluster();
    const bridge = new BridgeHarness({ openCluster: () => opening.promise.then(() => cluster) }).read();
    bridge.write(INIT_LINE, LEADER_LINE);
    await turn();
    expect(bridge.lines).toEqual([]);
    opening.resolve();
    expect((await bridge.nextReply()).body).toMatchObject({ type: 'init_ok' });
    expect((await bridge.nextReply()).body).toMatchObject({ type: 'partition_leader_ok' });
    await bridge.finish();
  });
});

describe('order', () => {
  it('is kept among the messages of one source, while other sources go on', async () => {
    const bridge = await initialised();
    const slow = deferred();
    bridge.cluster.addTopic('slow', 1);
    bridge.cluster.gate = ({ ref }) => (ref === 'slow/0' ? slow.promise : undefined);
    bridge.tell('a', { type: 'partition_leader', msg_id: 1, topic: 'slow', partition: 0 });
    bridge.tell('a', { type: 'fly', msg_id: 2 });
    bridge.tell('b', { type: 'partition_leader', msg_id: 3, topic: 'fast', partition: 0 });
    expect(await bridge.nextReply()).toMatchObject({ dest: 'b', body: { in_reply_to: 3, msg_id: 1 } });
    slow.resolve();
    expect(await bridge.nextReply()).toMatchObject({ dest: 'a', body: { in_reply_to: 1, msg_id: 2 } });
    expect(await bridge.nextReply()).toMatchObject({ dest: 'a', body: { in_reply_to: 2, msg_id: 3 } });
    await bridge.finish();
  });

  it('serves messages for another node too, as the node that init named', async () => {
    const bridge = await initialised();
    bridge.write(LEADER_LINE.replace('"dest":"n1"', '"dest":"n7"'));
    expect(await bridge.nextReply()).toMatchObject({ src: 'n1', body: { type: 'partition_leader_ok' } });
    await bridge.finish();
  });

  it('gives every call less time than Maelstrom waits', async () => {
    const bridge = await initialised();
    await bridge.ask({ type: 'send', key: 'k', msg: 1 });
    await bridge.ask({ type: 'poll', offsets: { k: 0 } });
    await bridge.ask({ type: 'commit_offsets', offsets: { k: 0, unknown: 0 } });
    await bridge.ask({ type: 'list_committed_offsets', keys: ['k', 'unknown'] });
    await bridge.ask({ type: 'metadata_request' });
    await bridge.ask({ type: 'partition_failover', topic: 't', partition: 0, failed_leader: 'n1' });
    for (const { timeoutMs } of bridge.cluster.calls) {
      expect(timeoutMs).toBeGreaterThan(0);
      expect(timeoutMs).toBeLessThanOrEqual(CALL_TIMEOUT_MS);
    }
    expect(CALL_TIMEOUT_MS).toBeLessThan(5000);
    await bridge.finish();
  });
});

describe('back-pressure', () => {
  it('stops reading while the most allowed messages are in flight', async () => {
    const bridge = await initialised({ inFlightMax: 3 });
    const slow = deferred();
    bridge.cluster.addTopic('t', 1);
    bridge.cluster.gate = () => slow.promise;
    for (let source = 0; source < 1000; source++) {
      bridge.tell(`c${source}`, { type: 'partition_leader', msg_id: 1, topic: 't', partition: 0 });
    }
    await turn();
    await turn();
    expect(bridge.cluster.calls).toHaveLength(3);
    expect(bridge.input.writableNeedDrain).toBe(true);
    slow.resolve();
    expect(await bridge.finish()).toHaveLength(1001);
  });

  it('stops serving while nobody reads the answers, and loses none', async () => {
    const bridge = new BridgeHarness({ inFlightMax: 4, outputHighWaterMark: 256 });
    bridge.write(INIT_LINE);
    for (let msgId = 0; msgId < 500; msgId++) {
      bridge.tell(`c${msgId}`, { type: 'metadata_request', msg_id: msgId });
    }
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(bridge.cluster.calls.length).toBeLessThan(20);
    bridge.read();
    const lines = await bridge.finish();
    expect(lines).toHaveLength(501);
    const msgIds = lines.map((line) => (JSON.parse(line) as { body: { msg_id: number } }).body.msg_id);
    expect(msgIds).toEqual(Array.from({ length: 501 }, (_, index) => index));
  });
});
