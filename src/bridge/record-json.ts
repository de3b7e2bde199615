/**
 * Owns how JSON values become keys and values of records and come back: the UTF-8 bytes of the value's
 * own source text, and Kafka's null for null.
 */
import { RawJson, type Json } from './json-form.js';

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes of a field given by its JSON source text. An absent field and null are a record's null. */
export function toRecordBytes(source: string | undefined): Uint8Array | undefined {
  return source === undefined || source === 'null' ? undefined : encoder.encode(source);
}

/** The JSON that the bytes hold; when they hold none (another client wrote them), their UTF-8 text. */
export function fromRecordBytes(bytes: Uint8Array | undefined): Json {
  if (bytes === undefined) return null;
  try {
    const source = strictDecoder.decode(bytes);
    JSON.parse(source);
    return new RawJson(source);
  } catch {
    return lenientDecoder.decode(bytes);
  }
}
