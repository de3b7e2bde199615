/** The bridge as a process, with the documented samples as golden output. */

import { describe, expect, it } from 'vitest';
import { bellwether, ProcessCluster } from './processes.js';

const INIT =
  '{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}';
const INIT_OK = '{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}';

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function bodyOf(line: string | undefined): Record<string, unknown> {
  return (JSON.parse(line ?? '') as { body: Record<string, unknown> }).body;
}

describe('bellwether bridge, booting its own cluster', () => {
  it('answers the documented query for the leader', async () => {
    const query =
      '{"src":"c1","dest":"n1","body":{"type":"partition_leader","msg_id":2,"topic":"orders","partition":0}}';
    const { code, stdout } = await bellwether(['bridge'], `${INIT}\n${query}\n`);
    const [first, second, ...rest] = linesOf(stdout);
    expect(first).toBe(INIT_OK);
    expect(second).toMatch(
      /^\{"src": "n1", "dest": "c1", "body": \{"type": "partition_leader_ok", "in_reply_to": 2, "leader": "n1", "followers": \["n2", "n3"\], "term": [1-9]\d*, "msg_id": 1\}\}$/,
    );
    expect(rest).toEqual([]);
    expect(code).toBe(0);
  });

  it('answers the documented failover: another leader, a newer term, a measured time', async () => {
    const order =
      '{"src":"c1","dest":"n1","body":{"type":"partition_failover","msg_id":2,"topic":"orders","partition":0,"failed_leader":"n1"}}';
    const ask =
      '{"src":"c1","dest":"n1","body":{"type":"partition_leader","msg_id":3,"topic":"orders","partition":0}}';
    const { code, stdout } = await bellwether(['bridge'], `${INIT}\n${order}\n${ask}\n`);
    const [first, second, third] = linesOf(stdout);
    expect(first).toBe(INIT_OK);
    const moved = bodyOf(second);
    expect(moved).toMatchObject({ type: 'partition_failover_ok', in_reply_to: 2, msg_id: 1 });
    expect(Object.keys(moved)).toEqual([
      'type',
      'in_reply_to',
      'new_leader',
      'new_term',
      'failover_ms',
      'msg_id',
    ]);
    expect(['n2', 'n3']).toContain(moved['new_leader']);
    expect(moved['new_term']).toBeGreaterThan(1);
    expect(moved['failover_ms']).toBeGreaterThan(0);
    expect(moved['failover_ms']).toBeLessThan(5_000);
    expect(bodyOf(third)).toMatchObject({ leader: moved['new_leader'], term: moved['new_term'] });
    expect(code).toBe(0);
  });

  it('carries records and committed offsets over a failover, and serves the line behind a bad one', async () => {
    const body = (fields: Record<string, unknown>): string =>
      JSON.stringify({ src: 'c1', dest: 'n1', body: fields });
    const input = [
      INIT,
      body({ type: 'send', msg_id: 2, key: 'k1', msg: { deep: [1, null, 'é'] } }),
      body({ type: 'commit_offsets', msg_id: 3, offsets: { k1: 0 } }),
      'this is not JSON',
      body({ type: 'produce', msg_id: 4, topic: 'orders', value: [1, 2], key: 'a' }),
      body({ type: 'partition_failover', msg_id: 5, topic: 'orders', partition: 0, failed_leader: 'n1' }),
      body({
        type: 'partition_failover',
        msg_id: 6,
        topic: 'maelstrom.k1',
        partition: 0,
        failed_leader: 'n2',
      }),
      body({ type: 'fetch', msg_id: 7, topic: 'orders', partition: 0, offset: 0 }),
      body({ type: 'poll', msg_id: 8, offsets: { k1: 0 } }),
      body({ type: 'list_committed_offsets', msg_id: 9, keys: ['k1', 'k2'] }),
      body({ type: 'partition_leader', msg_id: 10, topic: 'orders', partition: -1 }),
    ].join('\n');
    const { code, stdout, stderr } = await bellwether(['bridge'], input);
    const replies = new Map(linesOf(stdout).map((line) => [bodyOf(line)['in_reply_to'], bodyOf(line)]));
    expect(replies.get(2)).toMatchObject({ type: 'send_ok', offset: 0 });
    expect(replies.get(3)).toMatchObject({ type: 'commit_offsets_ok' });
    expect(replies.get(5)).toMatchObject({ type: 'partition_failover_ok' });
    expect(replies.get(7)).toMatchObject({
      type: 'fetch_ok',
      records: [{ offset: 0, key: 'a', value: [1, 2] }],
      high_watermark: 1,
    });
    expect(replies.get(8)).toMatchObject({ msgs: { k1: [[0, { deep: [1, null, 'é'] }]] } });
    expect(replies.get(9)).toMatchObject({ type: 'list_committed_offsets_ok', offsets: { k1: 0 } });
    expect(replies.get(10)).toMatchObject({ type: 'error', code: 12 });
    expect(String(replies.get(10)?.['text'])).toContain('partition');
    expect(stderr).not.toBe('');
    expect(code).toBe(0);
  });
});

describe('bellwether bridge --brokers', () => {
  it('serves a running cluster, and keeps Maelstrom offsets when the leader is killed', async () => {
    const cluster = await ProcessCluster.start();
    try {
      const send = '{"src":"c1","dest":"n1","body":{"type":"send","msg_id":2,"key":"k","msg":7}}';
      const commit = '{"src":"c1","dest":"n1","body":{"type":"commit_offsets","msg_id":3,"offsets":{"k":0}}}';
      const args = ['bridge', '--brokers', cluster.bootstrap];
      const first = await bellwether(args, `${INIT}\n${send}\n${commit}\n`);
      expect(linesOf(first.stdout).map((line) => bodyOf(line)['type'])).toEqual([
        'init_ok',
        'send_ok',
        'commit_offsets_ok',
      ]);
      const client = await cluster.client();
      const { leader } = await client.partitionLeader({ topic: 'maelstrom.k', partition: 0 });
      await cluster.kill(leader);
      const list =
        '{"src":"c1","dest":"n1","body":{"type":"list_committed_offsets","msg_id":4,"keys":["k"]}}';
      const poll = '{"src":"c1","dest":"n1","body":{"type":"poll","msg_id":5,"offsets":{"k":0}}}';
      const second = await bellwether(args, `${INIT}\n${list}\n${poll}\n`);
      const [, listed, polled] = linesOf(second.stdout).map(bodyOf);
      expect(listed).toMatchObject({ offsets: { k: 0 } });
      expect(polled).toMatchObject({ msgs: { k: [[0, 7]] } });
    } finally {
      await cluster.close();
    }
  });
});
