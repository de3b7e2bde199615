import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import * as messages from '../../src/bridge/messages.js';

const { parseBody } = messages;

function textOf(schema: z.ZodType, body: Record<string, unknown>): string {
  try {
    parseBody(schema, body);
  } catch (error) {
    return error instanceof Error ? error.message : 'not an error';
  }
  return 'accepted';
}

const ids = ['n1', 'n2'];
const partitionRule = 'must be an integer from 0 to 2147483647';
const topicRule = 'must be 1 to 249 characters of [A-Za-z0-9._-]';
const idRule = 'must be 1 to 64 characters of [A-Za-z0-9._-]';

describe('a body that is wrong', () => {
  it.each<[string, z.ZodType, Record<string, unknown>, string]>([
    ['init', messages.initBody, { node_ids: ids }, `body.node_id: is missing; ${idRule}`],
    [
      'init',
      messages.initBody,
      { node_id: 'n1' },
      'body.node_ids: is missing; must be a list of 1 to 7 names',
    ],
    [
      'init',
      messages.initBody,
      { node_id: 'n1', node_ids: [] },
      'body.node_ids: must be a list of 1 to 7 names',
    ],
    [
      'init',
      messages.initBody,
      { node_id: 'n1', node_ids: 'abcdefgh'.split('') },
      'body.node_ids: must be a list of 1 to 7 names',
    ],
    ['init', messages.initBody, { node_id: 'n1', node_ids: ['n1', ''] }, `body.node_ids[1]: ${idRule}`],
    [
      'init',
      messages.initBody,
      { node_id: 'n1', node_ids: ['n1', 'n1'] },
      'body.node_ids: names a node twice',
    ],
    [
      'init',
      messages.initBody,
      { node_id: 'n9', node_ids: ids },
      'body.node_id: must be one of body.node_ids',
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { partition: 0 },
      `body.topic: is missing; ${topicRule}`,
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { topic: '', partition: 0 },
      `body.topic: ${topicRule}`,
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { topic: 'a b', partition: 0 },
      `body.topic: ${topicRule}`,
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { topic: 'a'.repeat(250), partition: 0 },
      `body.topic: ${topicRule}`,
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { topic: 't' },
      `body.partition: is missing; ${partitionRule}`,
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { topic: 't', partition: '0' },
      `body.partition: ${partitionRule}`,
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { topic: 't', partition: -1 },
      `body.partition: ${partitionRule}`,
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { topic: 't', partition: 0.5 },
      `body.partition: ${partitionRule}`,
    ],
    [
      'partition_leader',
      messages.partitionLeaderBody,
      { topic: 't', partition: 2 ** 31 },
      `body.partition: ${partitionRule}`,
    ],
    [
      'partition_failover',
      messages.partitionFailoverBody,
      { topic: 't', partition: 0 },
      `body.failed_leader: is missing; ${idRule}`,
    ],
    ['metadata_request', messages.metadataRequestBody, { topics: ['t', 5] }, `body.topics[1]: ${topicRule}`],
    [
      'metadata_request',
      messages.metadataRequestBody,
      { topics: 't' },
      'body.topics: must be a list of at most 1000 topics',
    ],
    ['produce', messages.produceBody, { topic: 't' }, 'body.value: is missing; may be any JSON'],
    ['produce', messages.produceBody, { topic: 't', value: 1, acks: 2 }, 'body.acks: must be 0, 1 or "all"'],
    [
      'fetch',
      messages.fetchBody,
      { topic: 't', partition: 0, offset: -1 },
      'body.offset: must be an integer from 0 to 9007199254740991',
    ],
    [
      'fetch',
      messages.fetchBody,
      { topic: 't', partition: 0, offset: 0, max_records: 0 },
      'body.max_records: must be an integer from 1 to 10000',
    ],
    ['send', messages.sendBody, { key: 'k' }, 'body.msg: is missing; may be any JSON'],
    ['send', messages.sendBody, { key: 7, msg: 1 }, 'body.key: must be a string'],
    [
      'send',
      messages.sendBody,
      { key: 'k'.repeat(240), msg: 1 },
      'body.key: is too long a key, or not Unicode; its topic may have 249 characters',
    ],
    [
      'poll',
      messages.pollBody,
      {},
      'body.offsets: is missing; must be an object of at most 1000 offsets by key',
    ],
    [
      'poll',
      messages.pollBody,
      { offsets: [1] },
      'body.offsets: must be an object of at most 1000 offsets by key',
    ],
    [
      'poll',
      messages.pollBody,
      { offsets: { k1: 0, k2: 'x' } },
      'body.offsets.k2: must be an integer from 0 to 9007199254740991',
    ],
    [
      'commit_offsets',
      messages.commitOffsetsBody,
      { offsets: { 'a b': -1 } },
      'body.offsets["a b"]: must be an integer from 0 to 9007199254740990',
    ],
    [
      'list_committed_offsets',
      messages.listCommittedOffsetsBody,
      { keys: ['a', 1] },
      'body.keys[1]: must be a string',
    ],
  ])('is told of by the name of the field: %s', (_type, schema, body, text) => {
    expect(textOf(schema, body)).toBe(text);
  });

  it('may have more fields than are known', () => {
    expect(parseBody(messages.partitionLeaderBody, { topic: 't', partition: 3, color: 'red' })).toEqual({
      topic: 't',
      partition: 3,
    });
  });

  it('keeps keys that objects would treat as their own', () => {
    const body = JSON.parse('{"offsets": {"__proto__": 1, "constructor": 2}}') as Record<string, unknown>;
    expect([...parseBody(messages.pollBody, body).offsets]).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
  });
});
