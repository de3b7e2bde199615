/** `bellwether verify`: writes and reads for a time, breaks the cluster meanwhile if told to, and judges what was seen. */
import { type Command, InvalidArgumentError } from 'commander';
import { RECORDS_MAX, RECORDS_PER_PARTITION_MAX } from '../../verify/limits.js';
import { FAULTS, type Fault } from '../../verify/torment.js';
import type { Verdict } from '../../verify/verdict.js';
import type { VerifyOptions } from '../../verify/verify.js';
import { AnomalyError } from '../anomaly-error.js';
import { addresses, durationMs, integer } from '../arguments.js';
import { bootstrapOf, saysBootstrap, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';
import { type Format, print } from '../output.js';
import { knowsSockets } from '../sockets-of.js';
import { StatusLine } from '../status-line.js';
import { stopSignal } from '../stop-signal.js';
import { progressText, verdictReport } from '../verify-report.js';

const SECONDS_MAX = 86_400;
const RATE_MAX = 20_000;
const PARTITIONS_MAX = 100;
const RECORD_BYTES_MIN = 16;
const RECORD_BYTES_MAX = 65_536;
const EVERY_MIN_MS = 500;
const EVERY_MAX_MS = 3_600_000;

interface Flags {
  readonly brokers?: readonly string[];
  readonly local?: number;
  readonly torment?: readonly Fault[];
  readonly every: number;
  readonly seconds: number;
  readonly rate: number;
  readonly partitions: number;
  readonly recordBytes: number;
}

export function addVerifyCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('verify'))
    .description(
      'Write and read for a while, then check that every promise was kept. Exit code 1 if one was not.',
    )
    .option('--brokers <host:port,...>', 'the cluster to verify; the same as --bootstrap', addresses)
    .option('--local <n>', 'verify a cluster of n brokers that is started for it: 1 to 7', integer(1, 7))
    .option('--torment <fault,...>', `with --local: break it meanwhile, by ${FAULTS.join(', ')}`, faultsFlag)
    .option('--every <time>', 'from one fault to the next', durationMs(EVERY_MIN_MS, EVERY_MAX_MS), 3_000)
    .option('--seconds <n>', `how long to write: 1 to ${SECONDS_MAX}`, integer(1, SECONDS_MAX), 30)
    .option('--rate <n>', `records in a second, all together: 1 to ${RATE_MAX}`, integer(1, RATE_MAX), 2_000)
    .option(
      '--partitions <n>',
      `of the topic that is made for it: 1 to ${PARTITIONS_MAX}`,
      integer(1, PARTITIONS_MAX),
      6,
    )
    .option(
      '--record-bytes <n>',
      `size of each record: ${RECORD_BYTES_MIN} to ${RECORD_BYTES_MAX}`,
      integer(RECORD_BYTES_MIN, RECORD_BYTES_MAX),
      100,
    )
    .action((flags: Flags, command: Command) => {
      const problem = problemOf(flags, saysBootstrap(command));
      if (problem !== undefined) command.error(`error: ${problem}`);
      const { format, brokers } = bootstrapOf(io, command);
      return run(io, flags, format, flags.brokers ?? brokers);
    });
}

/** Why flags that are right one by one do not fit together. */
function problemOf(
  { local, torment, seconds, rate, partitions, brokers }: Flags,
  hasBootstrap: boolean,
): string | undefined {
  if (torment !== undefined && local === undefined) {
    return '--torment breaks only a cluster of its own: say --local 3';
  }
  if (local !== undefined && brokers !== undefined) return '--local and --brokers exclude each other';
  if (local !== undefined && hasBootstrap) return '--local and --bootstrap exclude each other';
  if (torment?.includes('cut') === true && !knowsSockets()) {
    return '--torment cut has to know whose connection is whose, which only Linux tells';
  }
  const most = Math.min(RECORDS_MAX, RECORDS_PER_PARTITION_MAX * partitions);
  if (seconds * rate <= most) return undefined;
  return `${seconds} s at ${rate} records/s are more than ${most} records, whose history would not fit in memory: lower --rate or --seconds, or have more --partitions`;
}

async function run(io: CliIo, flags: Flags, format: Format, brokers: readonly string[]): Promise<void> {
  const stop = new AbortController();
  const signal = stopSignal();
  void signal.received.then(() => stop.abort());
  const line = new StatusLine(io.stderr);
  const { seconds, rate, partitions, recordBytes } = flags;
  const options = { seconds, rate, partitions, recordBytes, stop: stop.signal };
  const onProgress: VerifyOptions['onProgress'] = (progress) => line.show(progressText(progress, seconds));
  try {
    const verdict =
      flags.local === undefined
        ? await (await import('../../verify/verify.js')).verify({ ...options, brokers, onProgress })
        : await verifyLocal(io, flags.local, flags, { ...options, onProgress }, line);
    await line.clear();
    await print(io.stdout, format, verdictReport(verdict));
    if (verdict.ok) return;
    const count = Object.values(verdict.counts).reduce((sum, each) => sum + each, 0);
    throw new AnomalyError(count, verdict.unreadable);
  } finally {
    await line.clear();
    signal.dispose();
  }
}

/** With brokers of its own, which end with it. Their data is kept when the verdict is bad. */
async function verifyLocal(
  io: CliIo,
  brokerCount: number,
  { torment, every }: Flags,
  options: Omit<VerifyOptions, 'brokers' | 'torment'>,
  line: StatusLine,
): Promise<Verdict> {
  const [{ BreakableCluster }, { verify }] = await Promise.all([
    import('../breakable-cluster.js'),
    import('../../verify/verify.js'),
  ]);
  let lose: (error: Error) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => (lose = reject));
  lost.catch(() => undefined);
  const mayCut = torment?.includes('cut') === true;
  const cluster = await BreakableCluster.start({ brokerCount, mayCut, env: io.env, onLost: lose });
  let isBad = true;
  try {
    const tormenting = torment === undefined ? {} : { torment: { cluster, faults: torment, everyMs: every } };
    const verified = verify({ ...options, ...tormenting, brokers: cluster.addresses });
    verified.catch(() => undefined);
    const verdict = await Promise.race([verified, lost]);
    isBad = !verdict.ok;
    return verdict;
  } finally {
    await cluster.close(isBad);
    await line.clear();
    if (isBad) await io.stderr.write(`The data of the brokers is kept in ${cluster.folder}\n`);
  }
}

function faultsFlag(text: string): readonly Fault[] {
  const names = text.split(',').map((name) => name.trim());
  const faults = FAULTS.filter((fault) => names.includes(fault));
  if (faults.length === names.length) return faults;
  throw new InvalidArgumentError(`It must be a list of ${FAULTS.join(', ')}, each at most once.`);
}
