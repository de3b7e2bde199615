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

/**
 * A profile as V8 writes it, as far as it is needed here.
 *
 * @typedef {object} CpuProfile
 * @property {readonly { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[]} nodes
 * @property {readonly number[]} samples Node on top of the stack.
 * @property {readonly number[]} timeDeltas Microseconds before each sample.
 */

/**
 * Profiles the leader under records of 100 B, batched and not, and of 1 KB, each load in a cluster of its own.
 *
 * @param {object} options
 * @param {string} options.folder
 * @param {number} options.seconds
 * @param {(text: string) => void} options.progress
 * @returns {Promise<string>} Text to print.
 */
export async function profileProduce({ folder, seconds, progress }) {
  const parts = [];
  const runSeconds = Math.max(SECONDS_MIN, seconds);
  for (const load of LOADS.filter(({ name }) => name !== '1kb-single')) {
    progress(`profile of produce ${load.name}`);
    const data = join(folder, `profile-${load.name}`);
    const profiles = join(data, 'profiles');
    mkdirSync(profiles, { recursive: true });
    const profiling = ['--cpu-prof', '--cpu-prof-dir', profiles];
    const processes = await BrokerProcesses.start({ folder: data, profiling });
    const [run] = await runLoad(processes, load, [runSeconds]);
    const runEndMs = performance.now();
    const client = await processes.client();
    const { leader } = await client.partitionLeader({ topic: `produce-${load.name}`, partition: 0 });
    await processes.stop();
    const afterRunUs = (performance.now() - runEndMs) * 1000;
    if (leader !== 'n1') throw new Error(`broker n1 is profiled, but ${leader} leads`);
    const [file] = readdirSync(profiles);
    if (file === undefined) throw new Error('broker n1 left no profile');
    const profile = JSON.parse(readFileSync(join(profiles, file), 'utf8'));
    const title = `${load.name}: ${Math.round(run?.per_second ?? 0)} records/s while profiled`;
    parts.push([title, ...selfTimes(profile, runSeconds * 1e6, afterRunUs), ''].join('\n'));
  }
  return parts.join('\n');
}

/**
 * The functions, and the parts of the program, that were on top of the stack for longest, with their share
 * of the time in which the process was not idle. Looks at the run only, counted back from the end.
 *
 * @param {CpuProfile} profile
 * @param {number} runUs
 * @param {number} afterRunUs
 */
function selfTimes({ nodes, samples, timeDeltas }, runUs, afterRunUs) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byFunction = new Map();
  const byPart = new Map();
  let [idleUs, busyUs] = [0, 0];
  let beforeEndUs = 0;
  for (let i = samples.length - 1; i >= 0 && beforeEndUs < afterRunUs + runUs; i -= 1) {
    const us = timeDeltas[i] ?? 0;
    const frame = frames.get(samples[i] ?? 0);
    beforeEndUs += us;
    if (beforeEndUs < afterRunUs || frame === undefined) continue;
    if (frame.functionName === '(idle)') idleUs += us;
    else {
      busyUs += us;
      add(byFunction, nameOf(frame), us);
      add(byPart, partOf(frame), us);
    }
  }
  return [
    `busy ${Math.round((100 * busyUs) / (busyUs + idleUs))}% of ${((busyUs + idleUs) / 1e6).toFixed(1)} s`,
    ...table(['function', 'self ms', '% of busy'], top(byFunction, busyUs), 1),
    '',
    ...table(['part', 'self ms', '% of busy'], top(byPart, busyUs), 1),
  ];
}

/**
 * @param {Map<string, number>} sums
 * @param {string} key
 * @param {number} us
 */
function add(sums, key, us) {
  sums.set(key, (sums.get(key) ?? 0) + us);
}

/**
 * @param {ReadonlyMap<string, number>} sums
 * @param {number} busyUs
 */
function top(sums, busyUs) {
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([name, us]) => [name, (us / 1000).toFixed(0), ((100 * us) / busyUs).toFixed(1)]);
}

/** @param {CpuProfile['nodes'][number]['callFrame']} callFrame */
function nameOf({ functionName, url, lineNumber }) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${placeOf(url)}:${lineNumber + 1}`;
}

/**
 * A package, a module of Node, or a folder of src/.
 *
 * @param {CpuProfile['nodes'][number]['callFrame']} callFrame
 */
function partOf({ functionName, url }) {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native functions)';
  const place = placeOf(url);
  return /^(?:node:internal\/[^/]+|node:[^/]+|src\/[^/]+|@[^/]+\/[^/]+|[^/]+)/.exec(place)?.[0] ?? place;
}

/** @param {string} url */
function placeOf(url) {
  return url.replace(/^file:.*\/node_modules\//, '').replace(/^file:.*\/dist\//, '');
}
