/** Entry of `npm run bench`: throughput, latency and the two shortest failovers of one partition. */
import { ceilings } from './cases/ceilings.mjs';
import { kill9, requested } from './cases/faults.mjs';
import { latency } from './cases/latency.mjs';
import { memory } from './cases/memory.mjs';
import { produce } from './cases/produce.mjs';
import { sdk } from './cases/sdk.mjs';
import { PAGE_CACHE_FLAG, progress, runCases, runCommand } from './lib/command.mjs';
import { profileProduce } from './lib/profile.mjs';
import { asText } from './lib/report.mjs';

/**
 * In the order in which they run: the steady cases before those that kill.
 *
 * @type {Record<string, import('./lib/context.mjs').Case>}
 */
const CASES = {
  produce: { run: produce },
  sdk: { run: sdk },
  latency: { run: latency },
  ceilings: { run: ceilings },
  requested,
  kill9,
  memory,
};

await runCommand({
  script: 'bench',
  names: Object.keys(CASES),
  onRequest: Object.keys(CASES).filter((name) => CASES[name]?.onRequest),
  numbers: {
    seconds: {
      default: 1.5,
      max: 3600,
      help: 'length of one run of produce, sdk, latency and ceilings; of memory (there by default 600)',
    },
    rounds: { default: 20, max: 1000, whole: true, help: 'failovers of the cases requested and kill9' },
    'page-cache-gib': PAGE_CACHE_FLAG,
  },
  profile: 'instead of the cases: CPU profile of the leader while it takes records',
  run: async (flags, folder) => {
    if (flags.profile) {
      return profileProduce({ folder, seconds: flags.numbers['seconds'] ?? 0, progress });
    }
    const report = await runCases(CASES, flags, folder);
    return flags.json ? `${JSON.stringify(report, null, 2)}\n` : asText(report);
  },
});
