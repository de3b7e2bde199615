/** `bellwether failovers [TOPIC [PARTITION]]`: why leadership moved lately, and where the time went. */
import type { Command } from 'commander';
import { integer, nonEmpty } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';
import { changeDocument, changeSection } from '../leadership-report.js';
import { changeSentence, timeText } from '../leadership-words.js';

/** Failovers that a broker lists at most. */
const LIMIT_MAX = 1000;

interface FailoversFlags {
  readonly limit?: number;
  readonly details?: true;
}

export function addFailoversCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('failovers'))
    .description('Show recent failovers, the newest first: why, and how long each phase took.')
    .argument('[topic]', 'only this topic', nonEmpty)
    .argument('[partition]', 'only this partition of it', integer(0, INT32_MAX))
    .option(
      '--limit <n>',
      `failovers to show at most: 1 to ${LIMIT_MAX} (default 100)`,
      integer(1, LIMIT_MAX),
    )
    .option('--details', 'a sentence for each instead of the table')
    .action(
      (topic: string | undefined, partition: number | undefined, flags: FailoversFlags, command: Command) =>
        withClient(io, command, async ({ client, format, print }) => {
          const { limit, details } = flags;
          const failovers = await client.listFailovers({ topic, partition, limit });
          const prose = failovers.length === 0 ? 'No failovers are on record.\n' : undefined;
          if (details === true && format === 'table') {
            const lines = failovers.map((change) => `${timeText(change)}  ${changeSentence(change)}\n`);
            return io.stdout.write(prose ?? lines.join(''));
          }
          const document = { failovers: failovers.map(changeDocument) };
          return print({ document, sections: [changeSection(failovers)], prose });
        }),
    );
}
