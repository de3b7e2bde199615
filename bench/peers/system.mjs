/** Owns the shape of a system that is compared: how it is started, written to, and how its leader is killed. */

/**
 * @typedef {object} System
 * @property {string} name
 * @property {string} install What installs it.
 * @property {string} setting What bears on the figures, in short.
 * @property {() => string | undefined} version Undefined when it is not installed.
 * @property {(folder: string) => Promise<Cluster>} start Starts three servers; `whole` is still to be awaited.
 */

/**
 * @typedef {object} Cluster
 * @property {number} endpoints Addresses that a client can choose from; they are numbered from 0.
 * @property {Write} write What the client loop of the failovers writes with.
 * @property {readonly SpeedClient[]} clients What the speed is measured with, a row each.
 * @property {() => Promise<string>} leader
 * @property {(id: string) => number} endpointOf The address of a server.
 * @property {() => Promise<void>} whole Resolves once all three take part and one of them leads.
 * @property {(id: string) => Promise<unknown>} kill kill -9, sent when this returns.
 * @property {(id: string) => void} launch
 * @property {() => Promise<void>} stop
 */

/**
 * Writes once, and resolves with the acknowledgement; rejects when there is none in time, or an error.
 *
 * @typedef {(endpoint: number, value: string, timeoutMs: number) => Promise<void>} Write
 */

/**
 * One way in which a program may talk to a system.
 *
 * @typedef {object} SpeedClient
 * @property {string} name
 * @property {Write} write
 * @property {(endpoint: number, valueBytes: number, seconds: number) => Promise<number>} flood Writes as fast as it
 *   can, for so long; resolves with the acknowledged records a second.
 */

/** Longest wait for anything that one of the systems does, in milliseconds: NATS takes its time on a busy machine. */
export const PATIENCE_MS = 120_000;
