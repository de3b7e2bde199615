/** `bellwether serve`: one broker, until it is told to stop. */

import type { Command } from 'commander';
import { DEFAULT_CLUSTER_NAME, parseBrokerConfig, type BrokerConfig, logLevel } from '../../config.js';
import { BellwetherError } from '../../errors.js';
import { removedText } from '../broker-end.js';
import { letHeapGrow } from '../heap-growth.js';
import type { CliIo } from '../io.js';
import { LEADER_BALANCE } from '../leader-balance.js';
import { stopSignal } from '../stop-signal.js';

export function addServeCommand(program: Command, io: CliIo): void {
  program
    .command('serve')
    .description('Run one broker until Ctrl-C or SIGTERM; after SIGTERM it hands over what it leads first.')
    .requiredOption('--id <name>', 'name of this broker, unique in the cluster')
    .requiredOption('--listen <host:port>', 'where clients reach it')
    .requiredOption('--peer-listen <host:port>', 'where the other brokers reach it')
    .requiredOption(
      '--peers <id=host:port,...>',
      'every broker and its --peer-listen; with --join, some of them',
    )
    .requiredOption('--data <dir>', 'folder for its data; one broker each')
    .option('--join', 'join an existing cluster instead of beginning one with --peers')
    .option('--advertise <host:port>', 'address that clients are told (default: --listen)')
    .option('--cluster <name>', `guards against mixing data folders (default ${DEFAULT_CLUSTER_NAME})`)
    .option('--rack <name>', 'rack or zone of this broker')
    .option('--leader-balance <on|off>', LEADER_BALANCE.help)
    .option('--leader-balance-cool-down-ms <ms>', LEADER_BALANCE.coolDownHelp)
    .option(
      '--retention-check-ms <ms>',
      'pause between two looks for records to delete (env BELLWETHER_RETENTION_CHECK_MS, default 60000)',
    )
    .option(
      '--disk-reserve-bytes <n>',
      'records are refused while less of the disk is free (env BELLWETHER_DISK_RESERVE_BYTES, default 268435456)',
    )
    .action((flags: Readonly<Record<string, unknown>>, command: Command) => serve(io, flags, command));
}

async function serve(io: CliIo, flags: Readonly<Record<string, unknown>>, command: Command): Promise<void> {
  const config = checked(io, flags, command);
  const [{ bindBroker }, { createLog }] = await Promise.all([
    import('../../rpc/start-broker.js'),
    import('../logger.js'),
  ]);
  letHeapGrow();
  const log = createLog(config.id, logLevel(io.env));
  const stop = stopSignal();
  let fail: (error: BellwetherError) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const bootstrap = config.join ? [] : [...config.peers.keys()];
  const bound = await bindBroker({ config, bootstrap, log, onFatal: fail });
  let hasServed = false;
  try {
    const running = bound.start(config.peers);
    log('info', 'listening', { clients: bound.address, peers: bound.peerAddress, data: config.data });
    void running.ready.then(() => {
      hasServed = running.broker.isServing;
      log('info', 'serving', { clusterId: running.broker.cluster.state.clusterId });
    });
    const signal = await Promise.race([stop.received, failed]);
    log('info', 'stopping', { signal });
    // Ctrl-C ends a whole cluster at once as a rule, where nobody is left to take over.
    if (signal === 'SIGTERM') log('info', 'handed over', { ledStill: await running.drain() });
  } catch (error) {
    const end = hasServed ? removedText(error) : undefined;
    if (end === undefined) throw error;
    await io.stderr.write(`bellwether: ${end}\n`);
  } finally {
    await bound.close();
    stop.dispose();
  }
}

function checked(io: CliIo, flags: Readonly<Record<string, unknown>>, command: Command): BrokerConfig {
  try {
    return parseBrokerConfig(flags, io.env);
  } catch (error) {
    if (error instanceof BellwetherError) command.error(`error: ${error.message}`);
    throw error;
  }
}
