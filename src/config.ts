/**
 * The one place for configuration: what a broker needs to know, where it comes from, and its bounds.
 * Nothing else reads the environment.
 */

import { z } from 'zod';
import { BellwetherError } from './errors.js';

/** Where `bellwether up` and `npm start` listen and keep their data. */
export const LOCAL_CLUSTER = {
  host: '127.0.0.1',
  clientPort: 7001,
  peerPort: 7101,
  brokers: 3,
  data: '.bellwether',
} as const;

/** Every broker of that cluster: whichever is gone, the others answer. HOST:PORT, separated by commas. */
export const DEFAULT_BOOTSTRAP = Array.from(
  { length: LOCAL_CLUSTER.brokers },
  (_, i) => `${LOCAL_CLUSTER.host}:${String(LOCAL_CLUSTER.clientPort + i)}`,
).join(',');
export const DEFAULT_CLUSTER_NAME = 'bellwether';

/** Brokers of a cluster at most; the cluster metadata has the same bound for those that are added. */
export const BROKERS_MAX = 7;
const PORT_MAX = 65_535;

/** Everything that one broker is told at its start. */
export interface BrokerConfig {
  /** Name of this broker, unique in the cluster. */
  readonly id: string;
  /** Guards against mixing data folders of different clusters. */
  readonly cluster: string;
  /** HOST:PORT for clients; port 0 takes a free one. */
  readonly listen: string;
  /** HOST:PORT for the other brokers. */
  readonly peerListen: string;
  /** HOST:PORT that clients are told; undefined for that of `listen`. */
  readonly advertise: string | undefined;
  /**
   * Peer addresses by name. To begin a cluster every broker's, this one's included; the order is a preference.
   * To join one, those to dial first.
   */
  readonly peers: ReadonlyMap<string, string>;
  /** With a fresh data folder: join an existing cluster instead of beginning one. */
  readonly join: boolean;
  /** Data folder. */
  readonly data: string;
  /** Empty for none. */
  readonly rack: string;
  /** Whether this broker hands partitions back to their preferred leaders; undefined for the default, on. */
  readonly leaderBalance?: LeaderBalanceConfig | undefined;
  /** Pause between two looks for records that are past their retention; 60 s where it is left out. */
  readonly retentionCheckMs?: number | undefined;
  /** Bytes of the disk that are not for records; 256 MiB where it is left out. */
  readonly diskReserveBytes?: number | undefined;
}

export interface LeaderBalanceConfig {
  readonly on: boolean;
  /** How long a broker that came back is left alone. */
  readonly coolDownMs: number;
}

const COOL_DOWN_MS_DEFAULT = 60_000;

const COOL_DOWN_MS_MAX = 3_600_000;

/** Bounds of the pause between two looks for records that are past their retention. */
const RETENTION_CHECK_MS_MIN = 100;
const RETENTION_CHECK_MS_MAX = 86_400_000;

const BROKER_NAME = /^[A-Za-z0-9._-]{1,64}$/;

const name = z.string().regex(BROKER_NAME, 'must have 1 to 64 characters a-z, A-Z, 0-9, ".", "_" or "-"');

const address = z.string().superRefine((value, context) => {
  const problem = addressProblem(value);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const peers = z.string().transform((value, context) => {
  const entries = value.split(',').map((part) => part.trim().split('='));
  const map = new Map<string, string>();
  for (const [id, at, ...rest] of entries) {
    const ok = rest.length === 0 && name.safeParse(id).success && addressProblem(at ?? '') === undefined;
    if (!ok || id === undefined || at === undefined) {
      context.addIssue({
        code: 'custom',
        message: `"${[id, at].join('=')}" is not of the form NAME=HOST:PORT`,
      });
      return z.NEVER;
    }
    if (map.has(id)) context.addIssue({ code: 'custom', message: `names ${id} twice` });
    map.set(id, at);
  }
  if (map.size > BROKERS_MAX) {
    context.addIssue({ code: 'custom', message: `names more than ${String(BROKERS_MAX)} brokers` });
  }
  return map;
});

const coolDown = z
  .string()
  .regex(/^\d{1,7}$/, 'must be a whole number')
  .transform(Number)
  .refine((ms) => ms <= COOL_DOWN_MS_MAX, `must be at most ${String(COOL_DOWN_MS_MAX)}`);

const retentionCheck = z
  .string()
  .regex(/^\d{1,8}$/, 'must be a whole number')
  .transform(Number)
  .refine(
    (ms) => ms >= RETENTION_CHECK_MS_MIN && ms <= RETENTION_CHECK_MS_MAX,
    `must be from ${String(RETENTION_CHECK_MS_MIN)} to ${String(RETENTION_CHECK_MS_MAX)}`,
  );

const diskReserve = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

const brokerSchema = z
  .object({
    id: name,
    cluster: name.default(DEFAULT_CLUSTER_NAME),
    listen: address,
    peerListen: address,
    advertise: address.optional(),
    peers,
    join: z.boolean().default(false),
    data: z.string().min(1, 'must not be empty'),
    rack: z.string().max(64, 'must have at most 64 characters').default(''),
    leaderBalance: z.enum(['on', 'off'], 'must be "on" or "off"').default('on'),
    leaderBalanceCoolDownMs: coolDown.default(COOL_DOWN_MS_DEFAULT),
    retentionCheckMs: retentionCheck.optional(),
    diskReserveBytes: diskReserve.optional(),
  })
  .superRefine((config, context) => {
    const problem = peersProblem(config);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['peers'], message: problem });
  });

function peersProblem({ id, peers, join }: { id: string; peers: Map<string, string>; join: boolean }) {
  if (!join) {
    if (peers.has(id)) return undefined;
    return `does not name this broker, ${id}; one that joined its cluster is started with --join every time`;
  }
  const others = [...peers.keys()].filter((peer) => peer !== id);
  return others.length > 0 ? undefined : 'names no broker of the cluster to join';
}

/** Flag of each setting, for messages. */
const FLAGS: Readonly<Record<string, string>> = {
  id: '--id',
  cluster: '--cluster',
  listen: '--listen',
  peerListen: '--peer-listen',
  advertise: '--advertise',
  peers: '--peers',
  join: '--join',
  data: '--data',
  rack: '--rack',
  leaderBalance: '--leader-balance or BELLWETHER_LEADER_BALANCE',
  retentionCheckMs: '--retention-check-ms or BELLWETHER_RETENTION_CHECK_MS',
  diskReserveBytes: '--disk-reserve-bytes or BELLWETHER_DISK_RESERVE_BYTES',
  leaderBalanceCoolDownMs: '--leader-balance-cool-down-ms or BELLWETHER_LEADER_BALANCE_COOL_DOWN_MS',
};

/**
 * Checks the settings of `bellwether serve`. What no flag says of the leader balance, or of retention, the
 * environment may say.
 *
 * @throws BellwetherError INVALID_REQUEST that names every flag that is wrong, all at once.
 */
export function parseBrokerConfig(
  settings: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): BrokerConfig {
  const parsed = brokerSchema.safeParse({
    leaderBalance: environment['BELLWETHER_LEADER_BALANCE'],
    leaderBalanceCoolDownMs: environment['BELLWETHER_LEADER_BALANCE_COOL_DOWN_MS'],
    retentionCheckMs: environment['BELLWETHER_RETENTION_CHECK_MS'],
    diskReserveBytes: environment['BELLWETHER_DISK_RESERVE_BYTES'],
    ...settings,
  });
  if (parsed.success) {
    const { leaderBalance, leaderBalanceCoolDownMs: coolDownMs, advertise, ...config } = parsed.data;
    return Object.freeze({ ...config, advertise, leaderBalance: { on: leaderBalance === 'on', coolDownMs } });
  }
  const problems = parsed.error.issues.map(
    (issue) => `${FLAGS[String(issue.path[0])] ?? String(issue.path[0])}: ${issue.message}`,
  );
  throw new BellwetherError('INVALID_REQUEST', problems.join('; '), {
    metadata: { field: String(parsed.error.issues[0]?.path[0] ?? '') },
  });
}

/** Brokers to ask first: the flag, else BELLWETHER_BOOTSTRAP, else the local cluster. */
export function bootstrapBrokers(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string[] {
  const list = flag ?? environment['BELLWETHER_BOOTSTRAP'] ?? DEFAULT_BOOTSTRAP;
  return list.split(',').map((part) => part.trim());
}

/** Least level that is logged on stderr: BELLWETHER_LOG, else "info". */
export function logLevel(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): 'debug' | 'info' | 'warn' | 'error' | 'silent' {
  const level = z.enum(['debug', 'info', 'warn', 'error', 'silent']).safeParse(environment['BELLWETHER_LOG']);
  return level.success ? level.data : 'info';
}

/** Says what is wrong with a HOST:PORT; undefined when nothing is. */
export function addressProblem(value: string): string | undefined {
  const at = value.lastIndexOf(':');
  const host = value.slice(0, Math.max(0, at));
  if (!/^([^\s:/[\]]+|\[[0-9a-fA-F:.]+\])$/.test(host)) return `"${value}" is not of the form HOST:PORT`;
  const port = value.slice(at + 1);
  const number = Number(port);
  if (!/^\d{1,5}$/.test(port) || number > PORT_MAX) {
    return `"${value}" has no port from 0 to ${String(PORT_MAX)}`;
  }
  return undefined;
}

/** True for a text that may name a broker. */
export function isBrokerName(value: string): boolean {
  return BROKER_NAME.test(value);
}

/** The two halves of a HOST:PORT that was checked. */
export function splitAddress(value: string): { readonly host: string; readonly port: number } {
  const at = value.lastIndexOf(':');
  return { host: value.slice(0, at), port: Number(value.slice(at + 1)) };
}
