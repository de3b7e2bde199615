/**
 * Owns one connection to a NATS server: as much of its text protocol as a request with one answer needs
 * (https://docs.nats.io/reference/reference-protocols/nats-protocol).
 */
import { once } from 'node:events';
import { connect } from 'node:net';

const OPTIONS = { verbose: false, pedantic: false, headers: true, no_responders: true, lang: 'bench' };

/** @typedef {{ resolve: (payload: string) => void, reject: (error: Error) => void }} Waiting */

export class NatsConnection {
  #socket;
  /** @type {Buffer} */
  #received = Buffer.alloc(0);
  #inbox = `_INBOX.${Math.random().toString(36).slice(2)}`;
  /** @type {Map<string, Waiting>} Requests without an answer, by the subject of that. */
  #waiting = new Map();
  #requests = 0;
  closed = false;

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (/** @type {Buffer} */ chunk) => this.#take(chunk));
    socket.on('error', () => undefined); // 'close' follows.
    socket.on('close', () => this.#fail());
    socket.write(`CONNECT ${JSON.stringify(OPTIONS)}\r\nSUB ${this.#inbox}.* 1\r\n`);
  }

  /** @param {string} host @param {number} port */
  static async open(host, port) {
    const socket = connect({ host, port });
    await once(socket, 'connect');
    return new NatsConnection(socket);
  }

  /**
   * Publishes, and resolves with what is answered.
   *
   * @param {string} subject
   * @param {string} payload
   * @param {number} timeoutMs
   * @returns {Promise<string>}
   */
  request(subject, payload, timeoutMs) {
    if (this.closed) return Promise.reject(new Error('the connection is closed'));
    const reply = `${this.#inbox}.${(this.#requests += 1)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error('no answer in time'))), timeoutMs);
      const settle = (/** @type {() => void} */ end) => {
        clearTimeout(timer);
        this.#waiting.delete(reply);
        end();
      };
      this.#waiting.set(reply, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      });
      this.#socket.write(`PUB ${subject} ${reply} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`);
    });
  }

  close() {
    this.#socket.destroy();
  }

  #fail() {
    this.closed = true;
    for (const { reject } of [...this.#waiting.values()]) reject(new Error('the connection was lost'));
  }

  /** @param {Buffer} chunk */
  #take(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const lineEnd = this.#received.indexOf('\r\n');
      if (lineEnd < 0) return;
      const line = this.#received.toString('latin1', 0, lineEnd);
      const [verb = '', ...words] = line.split(' ');
      const start = lineEnd + 2;
      // MSG subject sid [reply] bytes; HMSG subject sid [reply] header-bytes bytes; the rest is one line.
      const hasPayload = verb === 'MSG' || verb === 'HMSG';
      const bytes = hasPayload ? Number(words.at(-1)) + 2 : 0;
      if (this.#received.length < start + bytes) return;
      const headerBytes = verb === 'HMSG' ? Number(words.at(-2)) : 0;
      const payload = this.#received.subarray(start, start + Math.max(0, bytes - 2));
      this.#received = this.#received.subarray(start + bytes);
      if (verb === 'PING') this.#socket.write('PONG\r\n');
      if (hasPayload) this.#answered(words[0] ?? '', payload, headerBytes);
    }
  }

  /**
   * @param {string} subject
   * @param {Buffer} payload Headers included.
   * @param {number} headerBytes
   */
  #answered(subject, payload, headerBytes) {
    const waiting = this.#waiting.get(subject);
    const header = payload.toString('utf8', 0, headerBytes);
    if (header.startsWith('NATS/1.0 503')) waiting?.reject(new Error('nobody listens'));
    else waiting?.resolve(payload.toString('utf8', headerBytes));
  }
}
