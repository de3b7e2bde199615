/** Owns what Linux tells about a process under /proc. */
import { readFileSync } from 'node:fs';

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
