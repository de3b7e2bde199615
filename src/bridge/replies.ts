/** Owns the output: one reply a line, numbered in the order written, never faster than it is read. */
import type { Writable } from 'node:stream';
import { writeJson, type JsonObject } from './json-form.js';

/** What a handler answers: the type and the fields that only this type has, in their order. */
export interface Reply {
  readonly type: string;
  readonly fields: JsonObject;
}

/** Where a reply comes from and goes to. */
export interface Address {
  readonly src: string;
  readonly dest: string;
  /** msg_id of the request. */
  readonly inReplyTo: number;
}

/** Writes replies until it is closed or the output breaks. */
export class ReplyWriter {
  readonly #output: Writable;
  #nextMsgId = 0;
  #isClosed = false;
  #drained: Promise<void> | undefined;

  /** `onBroken` is called at most once, when nobody reads the output any more. */
  constructor(output: Writable, onBroken: (cause: string) => void) {
    this.#output = output;
    const broken = (cause: string) => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      onBroken(cause);
    };
    // Stays for good: a late EPIPE must not end the process while the cluster is being closed.
    output.on('error', (error) => {
      broken(error.message);
    });
    output.once('close', () => {
      broken('closed');
    });
  }

  /** Writes one line; resolves when the output takes more. Does nothing once closed. */
  async write(address: Address, reply: Reply): Promise<void> {
    if (this.#isClosed) return;
    const { src, dest, inReplyTo } = address;
    const body = {
      type: reply.type,
      in_reply_to: inReplyTo,
      ...reply.fields,
      msg_id: this.#nextMsgId,
    };
    const line = writeJson({ src, dest, body });
    this.#nextMsgId++;
    if (!this.#output.write(`${line}\n`)) await this.#untilDrained();
  }

  /** Resolves when the output has taken everything written, or is broken. */
  async flush(): Promise<void> {
    if (this.#output.writableLength === 0 || this.#output.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#output.once('close', resolve);
      this.#output.write('', () => {
        this.#output.off('close', resolve);
        resolve();
      });
    });
  }

  /** Writes nothing from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** One wait for all who wait, so that the listeners do not grow with the messages in flight. */
  #untilDrained(): Promise<void> {
    this.#drained ??= new Promise<void>((resolve) => {
      const output = this.#output;
      const done = () => {
        for (const event of ['drain', 'error', 'close']) output.off(event, done);
        this.#drained = undefined;
        resolve();
      };
      for (const event of ['drain', 'error', 'close']) output.on(event, done);
    });
    return this.#drained;
  }
}
