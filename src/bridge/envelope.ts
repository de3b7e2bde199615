/** Owns the outer form of a message, {src, dest, body: {type, msg_id, ...}}, and who can be answered. */
import { messageOf } from './maelstrom-errors.js';
import { memberSource } from './json-source.js';

/** A message that can be answered. */
export interface Request {
  readonly src: string;
  /** Undefined when it is missing or not a string. */
  readonly dest: string | undefined;
  readonly msgId: number;
  /** Undefined when it is missing or not a string. */
  readonly type: string | undefined;
  /** Whether it is itself an answer to something. */
  readonly isReply: boolean;
  readonly body: Readonly<Record<string, unknown>>;
  /** Exact JSON source text of a field of the body. Undefined when there is none. */
  source(field: string): string | undefined;
}

/** A message, or why nobody can be answered. */
export type Envelope =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'unanswerable'; readonly why: string };

/** Reads one line. Never throws. */
export function parseEnvelope(line: string): Envelope {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch (error) {
    return unanswerable(`a line is not JSON: ${messageOf(error)}`);
  }
  if (!isObject(message)) return unanswerable('a line is not a JSON object');
  const { src, dest, body } = message;
  if (typeof src !== 'string') return unanswerable('src: must be a string');
  if (!isObject(body)) return unanswerable(`body: must be an object (from ${src})`);
  const { type, msg_id: msgId } = body;
  if (!isMsgId(msgId)) {
    return unanswerable(`body.msg_id: must be an integer from 0 (${label(type)} from ${src})`);
  }
  return {
    kind: 'request',
    request: {
      src,
      dest: typeof dest === 'string' ? dest : undefined,
      msgId,
      type: typeof type === 'string' ? type : undefined,
      isReply: isReplyType(type) || body['in_reply_to'] !== undefined,
      body,
      source: (field) => memberSource(line, ['body', field]),
    },
  };
}

/** A message in a log line. */
export function describeRequest({ type, src, msgId }: Request): string {
  return `${label(type)} from ${src} (msg_id ${msgId})`;
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMsgId(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isReplyType(type: unknown): boolean {
  return typeof type === 'string' && (type === 'error' || type.endsWith('_ok'));
}

function label(type: unknown): string {
  return typeof type === 'string' ? type : 'a message without type';
}

function unanswerable(why: string): Envelope {
  return { kind: 'unanswerable', why };
}
