import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/broker/limits.js';
import { TOPIC_CONFIG_NAMES as SDK_NAMES } from '../../src/client/types-topic-config.js';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import { decodeCommand, encodeCommand } from '../../src/cluster/commands.js';
import {
  configInForce,
  isTopicOverrides,
  TOPIC_CONFIG,
  TOPIC_CONFIG_NAMES,
  type TopicConfigName,
  type TopicOverrides,
  topicConfigName,
  topicConfigProblem,
} from '../../src/cluster/topic-config.js';

function stateWith(config?: TopicOverrides): ClusterState {
  const state = new ClusterState();
  const common = { incarnation: 'd', address: 'a:1', peerAddress: 'a:2', rack: '' };
  state.apply({ kind: 'registerBroker', id: 'n1', ...common });
  const topic = { topic: 't', replicationFactor: 1, assignments: [['n1']] };
  state.apply({ kind: 'createTopic', ...topic, ...(config && { config }) });
  return state;
}

function alter(state: ClusterState, set: TopicOverrides, reset: readonly TopicConfigName[] = []) {
  return state.apply({ kind: 'alterTopicConfig', topic: 't', set, reset });
}

const configOf = (state: ClusterState) => state.topics.get('t')?.config;

describe('the configuration of a topic', () => {
  it('is known by the same names to the SDK, and allows no batch that brokers refuse', () => {
    expect(TOPIC_CONFIG_NAMES).toEqual(SDK_NAMES);
    expect(TOPIC_CONFIG.max_message_bytes.max).toBe(LIMITS.batchBytesMax);
  });

  it('has a default for every entry that is within its bounds, and Kafka calls it by its points', () => {
    const inForce = configInForce({});
    for (const name of TOPIC_CONFIG_NAMES) {
      expect(topicConfigProblem(name, inForce[name])).toBeUndefined();
      expect(topicConfigName(name.replaceAll('_', '.'))).toBe(name);
    }
    expect(topicConfigName('cleanup.policy')).toBeUndefined();
  });

  it.each([
    ['retention_bytes', -2],
    ['retention_ms', 1.5],
    ['segment_bytes', 1],
    ['max_message_bytes', 1_048_577],
    ['min_insync_replicas', 0],
    ['min_insync_replicas', 8],
  ] as const)('refuses %s=%d', (name, value) => {
    expect(topicConfigProblem(name, value)).toMatch(/^must be an integer from -?\d+ to \d+$/);
    expect(isTopicOverrides({ [name]: value })).toBe(false);
  });

  it('is set, changed and reset; what is so already changes nothing', () => {
    const state = stateWith({ retention_ms: 5 });
    expect(alter(state, { retention_bytes: 7 }).changes).toMatchObject([
      { kind: 'topicConfigChanged', topic: { config: { retention_bytes: 7, retention_ms: 5 } } },
    ]);
    expect(alter(state, { retention_bytes: 7 }, ['segment_bytes'])).toEqual({
      result: { ok: true },
      changes: [],
    });
    alter(state, {}, ['retention_ms']);
    expect(configOf(state)).toEqual({ retention_bytes: 7 });
  });

  it('stands in the state in one order, whatever the order of the commands', () => {
    const one = stateWith({ min_insync_replicas: 2 });
    alter(one, { retention_ms: 5 });
    const other = stateWith({ retention_ms: 5 });
    alter(other, { min_insync_replicas: 2 });
    expect(JSON.stringify(one.toJson())).toBe(JSON.stringify(other.toJson()));
  });

  it('outlives a snapshot, and a snapshot or command from before there was any has the defaults', () => {
    const state = stateWith({ retention_ms: 5 });
    expect(configOf(ClusterState.fromJson(JSON.parse(JSON.stringify(state.toJson()))))).toEqual({
      retention_ms: 5,
    });
    const old = stateWith();
    expect(JSON.stringify(old.toJson())).not.toContain('config');
    expect(configOf(ClusterState.fromJson(old.toJson()))).toEqual({});
  });

  it('is not altered for a topic that is gone', () => {
    const state = stateWith();
    state.apply({ kind: 'deleteTopic', topic: 't' });
    expect(alter(state, { retention_ms: 1 }).result).toMatchObject({ reason: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  it('is refused in a command with a name or a value that nobody knows', () => {
    const command = { kind: 'alterTopicConfig', topic: 't', set: { retention: 5 }, reset: [] } as const;
    expect(() => decodeCommand(encodeCommand(command as never))).toThrow();
  });
});
