/** What many runs covered, added up. */

import { FAULTS } from './faults.js';
import type { RunReport } from './swarm.js';

/** Upper ends of the bars of the failover histogram, in simulated milliseconds. */
const BARS_MS = [20, 50, 100, 200, 400, 800, 1_600, 3_200, Infinity];

export class Summary {
  readonly #reports: RunReport[] = [];

  get seeds(): number {
    return this.#reports.length;
  }

  add(report: RunReport): void {
    this.#reports.push(report);
  }

  /** @param cpuMs Processor time of all threads. */
  lines(wallMs: number, cpuMs: number): string[] {
    const sum = (of: (report: RunReport) => number): number =>
      this.#reports.reduce((total, report) => total + of(report), 0);
    const most = (of: (report: RunReport) => number): number => Math.max(0, ...this.#reports.map(of));
    const virtualMs = sum(({ virtualMs: ms }) => ms);
    const faults = FAULTS.map((fault) => `${fault} ${String(sum(({ faults: by }) => by.get(fault) ?? 0))}`);
    const total = sum(({ faults: by }) => [...by.values()].reduce((all, count) => all + count, 0));
    const failed = this.#reports.filter(({ failure }) => failure !== undefined).length;
    return [
      `seeds ${String(this.seeds)}, failed ${String(failed)}`,
      `virtual hours ${(virtualMs / 3_600_000).toFixed(2)}`,
      `faults injected ${String(total)}: ${faults.join(', ')}`,
      `elections ${String(sum(({ elections }) => elections))}, moved on request ${String(sum(({ moves }) => moves))}`,
      `acknowledged records checked ${String(sum(({ acknowledgedRecords }) => acknowledgedRecords))}`,
      `events ${String(sum(({ events }) => events))}, messages ${String(sum(({ messages }) => messages))}`,
      ...this.#failovers(),
      `longest lead with a disk that did not answer ${most(({ stalledLeadMs }) => stalledLeadMs).toFixed(0)} ms`,
      `most places that one search of a leader went back ${String(most(({ refusalsMost }) => refusalsMost))}`,
      `wall seconds ${(wallMs / 1_000).toFixed(1)}, virtual/wall ${(virtualMs / wallMs).toFixed(1)}, ` +
        `of processor time ${(virtualMs / cpuMs).toFixed(1)}`,
    ];
  }

  #failovers(): string[] {
    const times = this.#reports.flatMap(({ failoverMs }) => [...failoverMs]).sort((a, b) => a - b);
    if (times.length === 0) return ['no leader died'];
    const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);
    const bars = BARS_MS.map((end, i) => {
      const start = BARS_MS[i - 1] ?? 0;
      const count = times.filter((ms) => ms >= start && ms < end).length;
      return `${end === Infinity ? `from ${String(start)}` : `below ${String(end)}`}: ${String(count)}`;
    });
    return [
      `failovers ${String(times.length)}, from the leader's death to the next commit: ` +
        `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`,
      `  ${bars.join(', ')}`,
    ];
  }
}
