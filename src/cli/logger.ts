/** Logs of a broker: JSON lines on stderr (pino), at the level that BELLWETHER_LOG names. */

import { destination, pino } from 'pino';
import type { LogLevel } from '../rpc/start-broker.js';

export type Log = (level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>) => void;

/** @param broker - Stands in every line. */
export function createLog(broker: string, level: LogLevel | 'silent'): Log {
  // Synchronous: the last lines before a crash are the ones that matter.
  const logger = pino({ level, base: { broker } }, destination({ dest: 2, sync: true }));
  return (at, message, facts) => {
    logger[at](facts ?? {}, message);
  };
}
