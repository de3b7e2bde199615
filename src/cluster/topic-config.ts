/**
 * What can be set for a topic: names, units, bounds and defaults. Pure.
 *
 * Names, units and defaults (but one) are Kafka's, with underscores for its points. A topic stores only what was set for
 * it, so that a default that changes in a later version changes for every topic that never asked for another.
 */

/** No limit, for what is kept. */
export const UNLIMITED = -1;

/** Largest record batch that any topic may allow, in bytes. */
export const MESSAGE_BYTES_LIMIT = 1_048_576;

/** What one entry may be. Both bounds are inclusive. */
export interface TopicConfigRow {
  readonly unit: 'bytes' | 'ms' | 'replicas';
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

export const TOPIC_CONFIG = {
  /** The oldest records of a partition are deleted while the rest still has as many bytes; -1 for never. */
  retention_bytes: { unit: 'bytes', min: UNLIMITED, max: Number.MAX_SAFE_INTEGER, default: UNLIMITED },
  /** Records older than this are deleted, by their timestamp; -1 for never. 7 days. */
  retention_ms: { unit: 'ms', min: UNLIMITED, max: Number.MAX_SAFE_INTEGER, default: 604_800_000 },
  /** Size of one file of a partition's log on disk. Less than Kafka's 1 GiB: what is too old goes by whole files. */
  segment_bytes: { unit: 'bytes', min: 1_048_576, max: 2_147_483_647, default: 67_108_864 },
  /** Largest record batch that is accepted; the smallest that may be asked for is a batch's header. */
  max_message_bytes: { unit: 'bytes', min: 61, max: MESSAGE_BYTES_LIMIT, default: MESSAGE_BYTES_LIMIT },
  /** Replicas that must be in sync for a produce with acks all; of a partition with fewer, all of them. */
  min_insync_replicas: { unit: 'replicas', min: 1, max: 7, default: 1 },
} as const satisfies Record<string, TopicConfigRow>;

export type TopicConfigName = keyof typeof TOPIC_CONFIG;

/** All names, in the order in which they are stored and shown. */
export const TOPIC_CONFIG_NAMES = Object.keys(TOPIC_CONFIG) as readonly TopicConfigName[];

/** What was set for a topic; the rest has its default. */
export type TopicOverrides = Readonly<Partial<Record<TopicConfigName, number>>>;

/** What is in force for a topic. */
export type TopicConfig = Readonly<Record<TopicConfigName, number>>;

/** The name, written with underscores or as Kafka has it, with points; undefined for any other. */
export function topicConfigName(text: string): TopicConfigName | undefined {
  const name = text.replaceAll('.', '_');
  return TOPIC_CONFIG_NAMES.find((known) => known === name);
}

/** What is wrong with a value; undefined when it is right. */
export function topicConfigProblem(name: TopicConfigName, value: number): string | undefined {
  const { min, max }: TopicConfigRow = TOPIC_CONFIG[name];
  if (Number.isSafeInteger(value) && value >= min && value <= max) return undefined;
  return `must be an integer from ${String(min)} to ${String(max)}`;
}

/** What is in force, given what was set. */
export function configInForce(overrides: TopicOverrides): TopicConfig {
  const of = (name: TopicConfigName): number => overrides[name] ?? TOPIC_CONFIG[name].default;
  return {
    retention_bytes: of('retention_bytes'),
    retention_ms: of('retention_ms'),
    segment_bytes: of('segment_bytes'),
    max_message_bytes: of('max_message_bytes'),
    min_insync_replicas: of('min_insync_replicas'),
  };
}

/** `overrides` with the entries of `set`, without those of `reset`; in the one order, on every broker the same. */
export function altered(
  overrides: TopicOverrides,
  set: TopicOverrides,
  reset: readonly TopicConfigName[],
): TopicOverrides {
  const after: Partial<Record<TopicConfigName, number>> = {};
  for (const name of TOPIC_CONFIG_NAMES) {
    const value = set[name] ?? (reset.includes(name) ? undefined : overrides[name]);
    if (value !== undefined) after[name] = value;
  }
  return after;
}

/** True for entries of known names with values within their bounds. */
export function isTopicOverrides(value: unknown): value is TopicOverrides {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, each]: [string, unknown]) =>
      isTopicConfigName(name) && typeof each === 'number' && topicConfigProblem(name, each) === undefined,
  );
}

export function isTopicConfigName(value: unknown): value is TopicConfigName {
  return TOPIC_CONFIG_NAMES.some((known) => known === value);
}
