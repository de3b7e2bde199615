/** Which topic names are allowed: Kafka's rule. Pure. */

export const TOPIC_NAME_CHARACTERS_MAX = 249;

const PATTERN = /^[a-zA-Z0-9._-]+$/;

/** Says what is wrong with a topic name; undefined when nothing is. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (name.length > TOPIC_NAME_CHARACTERS_MAX) {
    return `must have at most ${TOPIC_NAME_CHARACTERS_MAX} characters`;
  }
  if (name === '.' || name === '..') return 'must not be "." or ".."';
  if (!PATTERN.test(name)) return 'may have only the characters a-z, A-Z, 0-9, ".", "_" and "-"';
  return undefined;
}
