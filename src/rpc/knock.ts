/**
 * Whether a process listens at an address, found out by a bare TCP connection: a kernel refuses one within
 * a fraction of a millisecond when the process is gone, and takes it when it lives.
 */

import { connect } from 'node:net';
import { splitAddress } from '../config.js';

export type Knock = 'refused' | 'answered' | 'silent';

/**
 * Knocks once. `told` hears of it exactly once, unless the returned function was called before.
 *
 * @param address HOST:PORT; an IPv6 host in brackets.
 * @param timeoutMs After this long without a word the address counts as silent.
 */
export function knock(address: string, timeoutMs: number, told: (result: Knock) => void): () => void {
  const { host, port } = splitAddress(address);
  const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port });
  let open = true;
  const end = (): void => {
    open = false;
    clearTimeout(timer);
    socket.destroy();
  };
  const tell = (result: Knock): void => {
    if (!open) return;
    end();
    told(result);
  };
  const timer = setTimeout(tell, timeoutMs, 'silent').unref();
  socket.on('connect', () => {
    tell('answered');
  });
  socket.on('error', () => {
    tell('refused');
  });
  socket.unref();
  return end;
}
