/** The process at the other end: a broker's gRPC server, with its options and windows, and a service of bare bytes. */
import { createGrpcServer } from '../../dist/src/rpc/grpc-server.js';
import { HOST } from '../../dist/src/cli/free-ports.js';
import { BYTES_SERVICE, writeWhile } from './grpc-service.mjs';

/** @typedef {import('@grpc/grpc-js').ServerReadableStream<Buffer, Buffer>} Pushed */
/** @typedef {import('@grpc/grpc-js').ServerWritableStream<Buffer, Buffer>} Pulled */

const server = createGrpcServer({
  onWarning: (text) => {
    process.stderr.write(`bench: ${text}\n`);
  },
});

server.server.addService(BYTES_SERVICE, {
  echo: (
    /** @type {{ request: Buffer }} */ { request },
    /** @type {(error: null, answer: Buffer) => void} */ answer,
  ) => answer(null, request),
  push: (/** @type {Pushed} */ call, /** @type {(error: null, answer: Buffer) => void} */ answer) => {
    let bytes = 0;
    call.on('data', (/** @type {Buffer} */ message) => (bytes += message.length));
    call.on('end', () => answer(null, Buffer.from(String(bytes))));
  },
  pull: (/** @type {Pulled} */ call) => {
    const message = Buffer.alloc(Number(call.request.toString()), 'v');
    void writeWhile(call, message, () => !call.cancelled);
  },
});

const port = await server.bind(`${HOST}:0`);
process.send?.({ port });
// The bench has ended, however it did.
process.once('disconnect', () => process.exit(0));
