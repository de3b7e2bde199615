/** Owns what Linux tells about a process under /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** USER_HZ, which is 100 wherever Linux runs Node. */
const TICKS_PER_SECOND = 100;

/**
 * Resident memory in MiB; undefined where the system does not tell it.
 *
 * @param {number} pid
 */
export function residentMibOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024);
  } catch {
    return undefined;
  }
}

/**
 * CPU time used so far in seconds, counted in hundredths; NaN where the system does not tell it.
 *
 * @param {number} pid
 */
export function cpuSecondsOf(pid) {
  try {
    // Fields 14 and 15 are user and system time; the name of the process, which may hold spaces, is second.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}

/**
 * The local ports of the TCP sockets (IPv4) that a process has open.
 *
 * @param {number} pid
 * @returns {Set<number>}
 */
export function localPortsOf(pid) {
  const inodes = new Set();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    const inode = socketInode(pid, descriptor);
    if (inode !== undefined) inodes.add(inode);
  }
  const ports = new Set();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    // Number, local address, remote address, state, queues, timer, retransmits, user, timeout, inode.
    const fields = line.trim().split(/\s+/);
    if (inodes.has(fields[9])) ports.add(Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
  }
  return ports;
}

/**
 * @param {number} pid
 * @param {string} descriptor
 */
function socketInode(pid, descriptor) {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
  } catch {
    return undefined; // Closed since the folder was read.
  }
}
