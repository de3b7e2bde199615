import { once } from 'node:events';
import { connect } from 'node:http2';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import {
  openConnectionWindows,
  openStreamWindows,
  RECEIVE_WINDOW_BYTES,
} from '../../src/rpc/receive-window.js';

/** HTTP/2's initial window (RFC 9113, 6.9.2). */
const HTTP2_DEFAULT_WINDOW_BYTES = 65_535;

let server: Server | undefined;

async function bind(): Promise<string> {
  const bound = server ?? expect.fail('no server');
  return new Promise((resolve, reject) => {
    bound.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(`http://127.0.0.1:${String(port)}`);
    });
  });
}

/** What the server lets a raw HTTP/2 client send: on a new stream, and on the connection. */
async function announcedWindows(url: string): Promise<{ stream: number; connection: number }> {
  const session = connect(url);
  try {
    await once(session, 'remoteSettings');
    // The WINDOW_UPDATE of the connection follows the SETTINGS; the answer to a ping comes after both.
    await new Promise<void>((resolve, reject) => {
      session.ping((error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    return {
      stream: session.remoteSettings.initialWindowSize ?? HTTP2_DEFAULT_WINDOW_BYTES,
      connection: session.state.remoteWindowSize ?? 0,
    };
  } finally {
    session.destroy();
  }
}

afterEach(() => {
  server?.forceShutdown();
  server = undefined;
});

describe('receive window', () => {
  it('is 4 MiB for a stream and for a connection', async () => {
    server = new Server();
    expect(openStreamWindows(server, RECEIVE_WINDOW_BYTES)).toBeUndefined();
    const url = await bind();
    expect(openConnectionWindows(server, RECEIVE_WINDOW_BYTES)).toBeUndefined();

    await expect(announcedWindows(url)).resolves.toEqual({
      stream: 4 * 1024 * 1024,
      connection: 4 * 1024 * 1024,
    });
  });

  it('is 65535 bytes with grpc-js alone, whatever option is given (grpc-node PR #3058)', async () => {
    server = new Server({ 'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES });
    await expect(announcedWindows(await bind())).resolves.toEqual({
      stream: HTTP2_DEFAULT_WINDOW_BYTES,
      connection: HTTP2_DEFAULT_WINDOW_BYTES,
    });
  });

  it('keeps the other settings of the server', async () => {
    server = new Server({ 'grpc.max_concurrent_streams': 17 });
    openStreamWindows(server, RECEIVE_WINDOW_BYTES);
    const session = connect(await bind());
    await once(session, 'remoteSettings');
    expect(session.remoteSettings).toMatchObject({
      maxConcurrentStreams: 17,
      initialWindowSize: RECEIVE_WINDOW_BYTES,
    });
    session.destroy();
  });

  it('gives a warning instead of an error when the private fields have moved', () => {
    const moved = Object.create(Server.prototype, {}) as Server;
    expect(openStreamWindows(moved, 1)).toContain('commonServerOptions');
    expect(openConnectionWindows(moved, 1)).toContain('http2Servers');
  });
});
