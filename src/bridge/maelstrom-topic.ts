/** Owns how a key of Maelstrom's kafka workload becomes a topic of its own, with one partition. */

/** Longest name of a topic, in characters. */
export const TOPIC_LENGTH_MAX = 249;

const TOPIC_PREFIX = 'maelstrom.';
const PLAIN_CHARACTER = /^[A-Za-z0-9-]$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

const encoder = new TextEncoder();

/**
 * The topic of `key`: every byte of its UTF-8 but letters, digits and "-" is written as _xx, so that
 * different keys have different topics. Undefined when the name would be longer than a topic's may
 * be, or when the key is not Unicode text.
 */
export function topicOfKey(key: string): string | undefined {
  if (LONE_SURROGATE.test(key)) return undefined;
  const topic = TOPIC_PREFIX + Array.from(encoder.encode(key), escapeByte).join('');
  return topic.length <= TOPIC_LENGTH_MAX ? topic : undefined;
}

function escapeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return PLAIN_CHARACTER.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
}
