/** Owns what every request's body must look like. What is wrong is said with the name of the field. */
import { z } from 'zod';
import { isObject } from './envelope.js';
import { BridgeError, MAELSTROM_CODE } from './maelstrom-errors.js';
import { TOPIC_LENGTH_MAX, topicOfKey } from './maelstrom-topic.js';

/** Most brokers that one init may name. */
export const NODE_IDS_MAX = 7;

/** Most keys in one message, and most topics: what one SDK call takes. */
export const KEYS_MAX = 1000;

/** Most records that one fetch returns. */
export const FETCH_RECORDS_MAX = 10_000;

const INT32_MAX = 2 ** 31 - 1;

/** A JSON value whose source text is stored as it is; JSON has no undefined, so that means absent. */
const anyJson = z.unknown().refine((value) => value !== undefined, { error: 'is missing; may be any JSON' });
const nodeId = matching(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 characters of [A-Za-z0-9._-]');
const topic = matching(
  new RegExp(`^[A-Za-z0-9._-]{1,${TOPIC_LENGTH_MAX}}$`),
  `1 to ${TOPIC_LENGTH_MAX} characters of [A-Za-z0-9._-]`,
);
const partition = integer(0, INT32_MAX);
const offset = integer(0, Number.MAX_SAFE_INTEGER);

/** A key of the kafka workload that has a topic. */
const key = z.string(must('a string')).refine((text) => topicOfKey(text) !== undefined, {
  error: `is too long a key, or not Unicode; its topic may have ${TOPIC_LENGTH_MAX} characters`,
});

export const initBody = z
  .object({
    node_id: nodeId,
    node_ids: listOf(nodeId, NODE_IDS_MAX, `a list of 1 to ${NODE_IDS_MAX} names`)
      .min(1, must(`a list of 1 to ${NODE_IDS_MAX} names`))
      .refine((ids) => new Set(ids).size === ids.length, { error: 'names a node twice' }),
  })
  .refine((body) => body.node_ids.includes(body.node_id), {
    path: ['node_id'],
    error: 'must be one of body.node_ids',
  });

export const partitionLeaderBody = z.object({ topic, partition });

export const partitionFailoverBody = z.object({ topic, partition, failed_leader: nodeId });

export const metadataRequestBody = z.object({
  topics: listOf(topic, KEYS_MAX, `a list of at most ${KEYS_MAX} topics`).nullish(),
});

export const produceBody = z.object({
  topic,
  partition: partition.default(0),
  value: anyJson,
  acks: z.union([z.literal(0), z.literal(1), z.literal('all')], must('0, 1 or "all"')).default('all'),
});

export const fetchBody = z.object({
  topic,
  partition,
  offset,
  max_records: integer(1, FETCH_RECORDS_MAX).optional(),
});

export const sendBody = z.object({ key, msg: anyJson });

/** Offsets to read from, inclusive. */
export const pollBody = z.object({ offsets: offsetsByKey(offset) });

/** Last offsets processed, inclusive; one less than the largest, as the next one is what is stored. */
export const commitOffsetsBody = z.object({
  offsets: offsetsByKey(integer(0, Number.MAX_SAFE_INTEGER - 1)),
});

export const listCommittedOffsetsBody = z.object({
  keys: listOf(key, KEYS_MAX, `a list of at most ${KEYS_MAX} keys`),
});

/** Checks a body. Throws a BridgeError with code 12 that names the first field that is wrong. */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: Readonly<Record<string, unknown>>,
): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const text = issue === undefined ? 'body: is wrong' : `${fieldName(issue.path)}: ${issue.message}`;
  throw new BridgeError(MAELSTROM_CODE.MALFORMED_REQUEST, text);
}

/** "body.offsets.k1", "body.node_ids[0]", 'body.offsets["a b"]'. */
function fieldName(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => {
    if (typeof step === 'string' && /^[A-Za-z_]\w{0,63}$/.test(step)) return `.${step}`;
    return `[${typeof step === 'string' ? JSON.stringify(step.slice(0, 64)) : String(step)}]`;
  });
  return `body${steps.join('')}`;
}

/** An error text that tells a missing field from a wrong one. */
function must(be: string): { error: (issue: { readonly input?: unknown }) => string } {
  return { error: ({ input }) => (input === undefined ? `is missing; must be ${be}` : `must be ${be}`) };
}

function integer(min: number, max: number) {
  const rule = must(`an integer from ${min} to ${max}`);
  return z.int(rule).min(min, rule).max(max, rule);
}

function matching(pattern: RegExp, be: string) {
  return z.string(must(be)).regex(pattern, must(be));
}

function listOf<Item extends z.ZodType>(item: Item, lengthMax: number, be: string) {
  return z.array(item, must(be)).max(lengthMax, must(be));
}

/** An object whose names are keys. A Map comes out: such names may be anything, __proto__ too. */
function offsetsByKey(offsetOfKey: z.ZodType<number>) {
  const be = `an object of at most ${KEYS_MAX} offsets by key`;
  return z
    .custom<Readonly<Record<string, unknown>>>(
      (value) => isObject(value) && Object.keys(value).length <= KEYS_MAX,
      must(be),
    )
    .transform((value, context) => {
      const offsets = new Map<string, number>();
      for (const [name, input] of Object.entries(value)) {
        const results = [key.safeParse(name), offsetOfKey.safeParse(input)] as const;
        const issue = results.find(({ success }) => !success)?.error?.issues[0];
        if (issue !== undefined) context.addIssue({ code: 'custom', path: [name], message: issue.message });
        if (results[1].success) offsets.set(name, results[1].data);
      }
      return offsets;
    });
}
