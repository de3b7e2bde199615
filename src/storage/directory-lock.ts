/**
 * The lock of a data folder: a unix domain socket in it that a broker listens on while it runs. The
 * kernel lets go of it however the process ends, so a lock is never left behind, only a dead socket.
 *
 * Like every lock of this kind it holds among the processes of one machine.
 */
import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';

import { errnoOf } from './storage-errors.js';
import { BellwetherError } from '../errors.js';

/** The address of a unix socket has 104 bytes on macOS and 108 on Linux, with a zero at its end. */
const SOCKET_PATH_BYTES_MAX = 100;
/** Rounds of bind and connect while sockets appear and vanish in between. */
const ATTEMPTS_MAX = 5;

export interface DirectoryLock {
  /** Gives the folder free. */
  release(): Promise<void>;
}

/**
 * Takes the lock of an existing folder.
 *
 * @throws DATA_DIRECTORY_IN_USE while another process, or this one, holds it.
 * @throws DATA_DIRECTORY_UNUSABLE when the socket cannot be made.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  let server: Server | undefined;
  try {
    server = await takeSocket(await socketPath(directory));
  } catch (error) {
    throw new BellwetherError(
      'DATA_DIRECTORY_UNUSABLE',
      `the data folder ${directory} cannot be locked: ${errnoOf(error)}`,
      { metadata: { directory, errno: errnoOf(error) }, cause: error },
    );
  }
  if (server === undefined) {
    throw new BellwetherError(
      'DATA_DIRECTORY_IN_USE',
      `the data folder ${directory} is in use by another broker`,
      { metadata: { directory } },
    );
  }
  return { release: () => closed(server) };
}

async function socketPath(directory: string): Promise<string> {
  const real = await fs.realpath(directory);
  const inside = `${real}/lock.sock`;
  if (Buffer.byteLength(inside) <= SOCKET_PATH_BYTES_MAX) return inside;
  return `${tmpdir()}/bellwether-${pathHash(real)}.sock`;
}

function pathHash(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}

/** @returns Undefined when another one listens. */
async function takeSocket(path: string): Promise<Server | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const server = await bound(path);
    if (server !== undefined) return server;
    if ((await probe(path)) === 'live') return undefined;
    if (!(await removeDeadSocket(path))) return undefined;
  }
  return undefined;
}

/**
 * Removes a socket that nobody listens on. Two processes that do so at once could remove each other's
 * new one; on Linux a socket in the abstract namespace, which leaves nothing behind, keeps them apart.
 *
 * @returns False when another process is taking the lock at this moment.
 */
async function removeDeadSocket(path: string): Promise<boolean> {
  const guard = process.platform === 'linux' ? await bound(`\0bellwether-${pathHash(path)}`) : undefined;
  if (process.platform === 'linux' && guard === undefined) return false;
  try {
    if ((await probe(path)) === 'dead') await fs.rm(path, { force: true });
    return true;
  } finally {
    if (guard !== undefined) await closed(guard);
  }
}

/** @returns A listening server, or undefined when the address is taken. */
function bound(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.destroy();
    });
    // Stays for good: a connection that cannot be accepted is an error event too, and means nothing here.
    server.on('error', (error) => {
      if (errnoOf(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      // The lock must not keep a process alive that has nothing else to do.
      server.unref();
      resolve(server);
    });
  });
}

/** Only a refused connection proves that nobody listens; a full backlog, say, does not. */
function probe(path: string): Promise<'live' | 'dead' | 'gone'> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve('live');
    });
    socket.once('error', (error) => {
      const errno = errnoOf(error);
      resolve(errno === 'ECONNREFUSED' ? 'dead' : errno === 'ENOENT' ? 'gone' : 'live');
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
