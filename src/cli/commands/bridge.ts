/** `bellwether bridge`: JSON lines on stdin and stdout, served by a cluster. */

import type { Command } from 'commander';
import type { OpenCluster } from '../../bridge/session.js';
import { addresses } from '../arguments.js';
import type { CliIo } from '../io.js';
import { stopSignal } from '../stop-signal.js';

export function addBridgeCommand(program: Command, io: CliIo): void {
  program
    .command('bridge')
    .description(
      'Answer JSON lines on stdin, as test harnesses of the Maelstrom kind send them. Without --brokers ' +
        'the init message boots a cluster in this process.',
    )
    .option('--brokers <host:port,...>', 'serve this running cluster instead', addresses)
    .action(async (flags: { readonly brokers?: readonly string[] }) => {
      const { runBridge } = await import('../../bridge/bridge.js');
      const stop = stopSignal();
      void stop.received.then(() => {
        process.stdin.destroy();
      });
      await runBridge({
        input: process.stdin,
        output: process.stdout,
        log: (line) => void io.stderr.write(`bellwether: ${line}\n`).catch(() => undefined),
        openCluster: flags.brokers === undefined ? embedded(io) : running(flags.brokers),
      });
      stop.dispose();
    });
}

function running(brokers: readonly string[]): OpenCluster {
  return async () => {
    const { connect } = await import('../../client/index.js');
    const client = await connect({ brokers });
    return { client, close: () => client.close() };
  };
}

function embedded(io: CliIo): OpenCluster {
  return async (nodeIds) => {
    const [{ startEmbeddedCluster }, { connect }] = await Promise.all([
      import('../../testing/embedded-cluster.js'),
      import('../../client/index.js'),
    ]);
    const cluster = await startEmbeddedCluster({
      brokers: nodeIds,
      log: (level, message, facts) => {
        if (level === 'debug' || level === 'info') return;
        const line = `bellwether: ${level}: ${message} ${JSON.stringify(facts ?? {})}\n`;
        void io.stderr.write(line).catch(() => undefined);
      },
    });
    const client = await connect({ brokers: cluster.brokers.map(({ address }) => address) });
    return {
      client,
      async close() {
        await client.close();
        await cluster.close();
      },
    };
  };
}
