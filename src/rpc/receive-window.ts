/**
 * Opens the HTTP/2 receive window of a grpc-js server beyond 65,535 bytes.
 *
 * grpc-js 1.14 reads `grpc-node.flow_control_window` on clients only (grpc-node PR #3058), and the
 * small window is the ceiling of every stream from client to server: up to six times the throughput.
 * Until that PR is released this sets private fields, and its test asks a real HTTP/2 session.
 */
import type { Server } from '@grpc/grpc-js';

/** Receive window of one stream and of one connection: 4 MiB. */
export const RECEIVE_WINDOW_BYTES = 4 * 1024 * 1024;

/** What this file needs of grpc-js's `Http2Server`. */
interface SessionSource {
  on(event: 'session', listener: (session: WindowOwner) => void): unknown;
}

/** What this file needs of `ServerHttp2Session`. */
interface WindowOwner {
  setLocalWindowSize(windowBytes: number): void;
}

/**
 * Sets the window of every stream. Call it before `bindAsync`, which copies the settings.
 *
 * @returns what to report as a warning, when grpc-js has moved its fields; the server works, slower.
 */
export function openStreamWindows(server: Server, windowBytes: number): string | undefined {
  const options = property(server, 'commonServerOptions');
  if (!isObject(options)) return warning('commonServerOptions');
  const settings = property(options, 'settings');
  Reflect.set(options, 'settings', {
    ...(isObject(settings) ? settings : {}),
    initialWindowSize: windowBytes,
  });
  return undefined;
}

/**
 * Sets the window of every connection made from now on. Call it when `bindAsync` has ended.
 *
 * @returns what to report as a warning, when grpc-js has moved its fields; the server works, slower.
 */
export function openConnectionWindows(server: Server, windowBytes: number): string | undefined {
  const http2Servers = property(server, 'http2Servers');
  if (!(http2Servers instanceof Map) || http2Servers.size === 0) return warning('http2Servers');
  for (const http2Server of http2Servers.keys()) {
    if (!isSessionSource(http2Server)) return warning('http2Servers');
    http2Server.on('session', (session) => {
      session.setLocalWindowSize(windowBytes);
    });
  }
  return undefined;
}

function warning(field: string): string {
  return `grpc-js has no ${field} as expected: the receive window stays at 65535 bytes, and writes are slower`;
}

function property(owner: object, name: string): unknown {
  return Reflect.get(owner, name);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isSessionSource(value: unknown): value is SessionSource {
  return isObject(value) && typeof property(value, 'on') === 'function';
}
