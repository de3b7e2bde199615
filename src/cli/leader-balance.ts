/** The flags of the leader balance, which `serve` takes, and `up` for all its brokers. */

import { InvalidArgumentError } from 'commander';

export const LEADER_BALANCE = {
  help: 'hand partitions back to their preferred leaders (env BELLWETHER_LEADER_BALANCE, default on)',
  coolDownHelp:
    'how long a broker that came back gets nothing: 0 to 3600000 ' +
    '(env BELLWETHER_LEADER_BALANCE_COOL_DOWN_MS, default 60000)',
} as const;

/** Checks `--leader-balance` where no broker of this process would. */
export function onOrOff(value: string): 'on' | 'off' {
  if (value === 'on' || value === 'off') return value;
  throw new InvalidArgumentError('It must be "on" or "off".');
}
