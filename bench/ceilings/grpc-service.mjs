/** Owns the service between the two processes: bytes as they are, no protobuf, so that gRPC alone is measured. */

const asBytes = (/** @type {Buffer} */ bytes) => bytes;

/** @param {string} name @param {boolean} requestStream @param {boolean} responseStream */
function method(name, requestStream, responseStream) {
  return {
    path: `/bench.Bytes/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  };
}

export const BYTES_SERVICE = {
  /** Answers what it is sent. */
  echo: method('Echo', false, false),
  /** Takes messages until the caller ends, and answers with how many bytes they had, in decimal digits. */
  push: method('Push', true, false),
  /** Sends messages of the size that the request names, in decimal digits, until the call is cancelled. */
  pull: method('Pull', false, true),
};

/** What ends the wait of a writer: there is room, or nobody reads any more. */
const NEWS = ['drain', 'cancelled', 'error', 'close'];

/**
 * Writes one message after the other for as long as `goesOn`, and waits whenever the stream is full.
 *
 * @param {import('node:events').EventEmitter & { write(message: Buffer): boolean }} stream
 * @param {Buffer} message
 * @param {() => boolean} goesOn
 */
export async function writeWhile(stream, message, goesOn) {
  while (goesOn()) if (!stream.write(message)) await newsOf(stream);
}

/**
 * @param {import('node:events').EventEmitter} stream
 * @returns {Promise<void>}
 */
function newsOf(stream) {
  return new Promise((resolve) => {
    const heard = () => {
      for (const event of NEWS) stream.off(event, heard);
      resolve();
    };
    for (const event of NEWS) stream.on(event, heard);
  });
}
