/** What Linux tells about the sockets of a process, under /proc. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** True where `localPortsOf` works. */
export function knowsSockets(): boolean {
  return existsSync('/proc/self/net/tcp');
}

/**
 * The local ports of the TCP sockets (IPv4) that a process has open.
 *
 * @throws Error when there is no such process, or it belongs to somebody else.
 */
export function localPortsOf(pid: number): Set<number> {
  const inodes = new Set<string>();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    const inode = socketInode(pid, descriptor);
    if (inode !== undefined) inodes.add(inode);
  }
  const ports = new Set<number>();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    // Number, local address, remote address, state, queues, timer, retransmits, user, timeout, inode.
    const fields = line.trim().split(/\s+/);
    if (inodes.has(fields[9] ?? '')) ports.add(Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
  }
  return ports;
}

function socketInode(pid: number, descriptor: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
  } catch {
    return undefined; // Closed since the folder was read.
  }
}
