/** The SDK's public types of what can be set for a topic. */
import type { TopicInfo } from './types-base.js';

/** All names, in the order in which brokers describe them. */
export const TOPIC_CONFIG_NAMES = [
  'retention_bytes',
  'retention_ms',
  'segment_bytes',
  'max_message_bytes',
  'min_insync_replicas',
] as const;

/**
 * What can be set for a topic. Names, units and defaults are Kafka's, with underscores for its points.
 * - `retention_bytes`: the oldest records of a partition are deleted while the rest still has as many bytes.
 *   -1 (default): never.
 * - `retention_ms`: records older than this, by their timestamp, are deleted. -1: never; default 604800000, 7 days.
 * - `segment_bytes`: size of one file of the log. 1 MiB to 2147483647, default 64 MiB.
 * - `max_message_bytes`: largest record batch that is accepted. 61 to 1048576, default 1048576.
 * - `min_insync_replicas`: replicas that must be in sync for a produce with acks 'all'. 1 to 7 and at most as many as the
 *   topic has, or it is refused; default 1.
 */
export type TopicConfigName = (typeof TOPIC_CONFIG_NAMES)[number];

/** Entries to set; the others keep what they have. */
export type TopicConfig = Readonly<Partial<Record<TopicConfigName, number>>>;

export interface TopicConfigEntry {
  /** A `TopicConfigName`, or one that this version does not know. */
  readonly name: string;
  /** In force. */
  readonly value: number;
  /** Whether it was set for the topic. */
  readonly source: 'DEFAULT' | 'TOPIC' | 'UNKNOWN';
  readonly unit: string;
}

/** A topic with all that can be set for it. */
export interface TopicDescription extends TopicInfo {
  /** All entries, in a fixed order. */
  readonly config: readonly TopicConfigEntry[];
}

/** What of an alteration is to be set, and what given back to its default. */
export interface TopicConfigChange {
  readonly set?: TopicConfig;
  readonly reset?: readonly TopicConfigName[];
}
