/** Owns the description of the machine, without which no figure means anything. */
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

/** Kinds of file systems by the number that Linux gives them (statfs(2)). */
const FILE_SYSTEMS = new Map([
  [0x01021994, 'tmpfs'],
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
  [0x2fc12fc1, 'zfs'],
]);

/** Share of the cores that may be busy before the bench starts without a warning. */
const BUSY_SHARE_MAX = 0.25;

/**
 * The machine at this moment: call it before the first measurement.
 *
 * @param {string} folder Where the brokers keep their data.
 */
export function describeMachine(folder) {
  const type = statfsSync(folder).type;
  return {
    cores: availableParallelism(),
    cpu_model: cpus()[0]?.model ?? 'unknown',
    memory_gib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    system: `${platform()} ${release()}`,
    file_system: FILE_SYSTEMS.get(type) ?? `type 0x${type.toString(16)}`,
    load_average_before: loadavg().map((load) => Math.round(load * 100) / 100),
  };
}

/**
 * What about the machine spoils the figures.
 *
 * @param {ReturnType<typeof describeMachine>} machine
 * @returns {string[]}
 */
export function warningsOf(machine) {
  const warnings = [];
  const [load = 0] = machine.load_average_before;
  if (load > machine.cores * BUSY_SHARE_MAX) {
    warnings.push(`the machine was busy before: load ${load} on ${machine.cores} cores; compare ratios only`);
  }
  if (machine.file_system === 'tmpfs') {
    warnings.push('the data is on tmpfs, where fsync costs nothing; name a folder on a disk with --data');
  }
  return warnings;
}
