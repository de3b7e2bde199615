/** Owns `--profile`: runs the produce case with a CPU profile of the leader, and says where its time goes. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOADS, runLoad } from '../cases/produce.mjs';
import { BrokerProcesses } from './broker-processes.mjs';
import { table } from './report.mjs';

/** Functions that are listed. */
const TOP = 15;

/** Long enough that start-up and warm-up are a small part of the profile, in seconds. */
const SECONDS_MIN = 6;

const ROOT = new URL('../../', import.meta.url).href;

/**
 * A profile as V8 writes it, as far as it is needed here.
 *
 * @typedef {object} CpuProfile
 * @property {readonly { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[]} nodes
 * @property {readonly number[]} samples Node on top of the stack.
 * @property {readonly number[]} timeDeltas Microseconds before each sample.
 */

/**
 * Profiles the leader under the loads of 100 B, batched and not, each in a cluster of its own.
 *
 * @param {object} options
 * @param {string} options.folder
 * @param {number} options.seconds
 * @param {(text: string) => void} options.progress
 * @returns {Promise<string>} Text to print.
 */
export async function profileProduce({ folder, seconds, progress }) {
  const parts = [];
  for (const load of LOADS.filter(({ valueBytes }) => valueBytes === 100)) {
    progress(`profile of produce ${load.name}`);
    const data = join(folder, `profile-${load.name}`);
    const profiles = join(data, 'profiles');
    mkdirSync(profiles, { recursive: true });
    const profiling = ['--cpu-prof', '--cpu-prof-dir', profiles];
    const processes = await BrokerProcesses.start({ folder: data, profiling });
    const [run] = await runLoad(processes, load, [Math.max(SECONDS_MIN, seconds)]);
    const client = await processes.client();
    const { leader } = await client.partitionLeader({ topic: `produce-${load.name}`, partition: 0 });
    await processes.stop();
    if (leader !== 'n1') throw new Error(`broker n1 is profiled, but ${leader} leads`);
    const [file] = readdirSync(profiles);
    if (file === undefined) throw new Error('broker n1 left no profile');
    const title = `${load.name}: ${Math.round(run?.per_second ?? 0)} records/s while profiled`;
    parts.push([title, ...selfTimes(JSON.parse(readFileSync(join(profiles, file), 'utf8'))), ''].join('\n'));
  }
  return parts.join('\n');
}

/**
 * The functions that were on top of the stack for longest, with their share of the time the process was
 * not idle.
 *
 * @param {CpuProfile} profile
 */
function selfTimes({ nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  /** @type {Map<string, number>} */
  const selfUs = new Map();
  samples.forEach((id, i) => {
    const name = names.get(id) ?? '';
    selfUs.set(name, (selfUs.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  });
  const totalUs = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  const idleUs = selfUs.get('(idle)') ?? 0;
  selfUs.delete('(idle)');
  const busyUs = totalUs - idleUs;
  const rows = [...selfUs]
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([name, us]) => [name, (us / 1000).toFixed(0), ((100 * us) / busyUs).toFixed(1)]);
  return [
    `busy ${Math.round((100 * busyUs) / totalUs)}% of ${(totalUs / 1e6).toFixed(1)} s`,
    ...table(['function', 'self ms', '% of busy'], rows, 1),
  ];
}

/** @param {CpuProfile['nodes'][number]['callFrame']} callFrame */
function nameOf({ functionName, url, lineNumber }) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const place = url.startsWith(ROOT) ? url.slice(ROOT.length) : url;
  return `${name} ${place.replace(/^node_modules\//, '').replace(/^dist\//, '')}:${lineNumber + 1}`;
}
