/** Entry of `npm run bench:failover`: what a client sees of every kind of failover, and what idleness costs. */
import { cutLink, graceful, hungFsync, kill9, requested, sigstop } from './cases/faults.mjs';
import { idle } from './cases/idle.mjs';
import { many } from './cases/many.mjs';
import { quietLoad } from './cases/quiet-load.mjs';
import { runCases, runCommand } from './lib/command.mjs';
import { asText } from './lib/report.mjs';

/** In the order in which they run. */
const CASES = {
  kill9,
  sigstop,
  graceful,
  requested,
  'hung-fsync': hungFsync,
  'cut-link': cutLink,
  many,
  idle,
  'quiet-load': quietLoad,
};

await runCommand({
  script: 'bench:failover',
  names: Object.keys(CASES),
  numbers: {
    rounds: {
      default: 20,
      max: 1000,
      whole: true,
      help: 'failovers of each case but many, idle and quiet-load',
    },
    partitions: { default: 3000, max: 10_000, whole: true, help: 'partitions of many and idle' },
    seconds: { default: 60, max: 3600, help: 'length of quiet-load; of idle it is half of that' },
  },
  run: async (flags, folder) => {
    const report = await runCases(CASES, flags, folder);
    return flags.json ? `${JSON.stringify(report, null, 2)}\n` : asText(report);
  },
});
