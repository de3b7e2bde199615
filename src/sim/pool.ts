/** Runs many seeds, here or on worker threads. A seed's run is the same wherever it runs. */

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type RunReport, runSeed } from './swarm.js';

/** Runs `count` seeds from `from` on; stops early when `take` returns false. */
export type Pool = (from: number, count: number, take: (report: RunReport) => boolean) => Promise<void>;

export const runInline: Pool = async (from, count, take) => {
  for (let seed = from; seed < from + count; seed++) if (!take(await runSeed({ seed }))) return;
};

/** One seed at a time on each of `jobs` threads. */
export function runOnWorkers(jobs: number): Pool {
  return async (from, count, take) => {
    let next = from;
    let stopped = false;
    const work = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url));
        const more = (): void => {
          if (stopped || next >= from + count) {
            void worker.terminate().then(() => resolve());
            return;
          }
          worker.postMessage(next);
          next += 1;
        };
        worker.on('error', reject);
        worker.on('message', (report: RunReport) => {
          if (!take(report)) stopped = true;
          more();
        });
        more();
      });
    await Promise.all(Array.from({ length: Math.min(jobs, count) }, work));
  };
}

if (!isMainThread) {
  parentPort?.on('message', (seed: number) => {
    void runSeed({ seed }).then((report) => parentPort?.postMessage(report));
  });
}
