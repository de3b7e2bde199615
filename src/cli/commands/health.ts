/** `bellwether health`: whether each broker can take part in commits, and why not. */
import type { Command } from 'commander';
import { type Context, withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';
import { UnhealthyError } from '../unhealthy.js';

export function addHealthCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('health'))
    .description(
      'Ask every broker whether it can take part in commits; exit code 1 if one cannot, or is not reached.',
    )
    .action((_flags: unknown, command: Command) => withClient(io, command, printHealth));
}

async function printHealth({ client, print }: Context): Promise<void> {
  const brokers = (await client.admin.describeHealth()).map(({ broker, address, serving, causes }) => ({
    ...{ broker, address, serving },
    reasons: causes.map(({ reason }) => reason),
    message: causes.length === 0 ? null : causes.map(({ message }) => message).join('; '),
  }));
  const head = ['broker', 'address', 'serving', 'reasons', 'message'];
  const rows = brokers.map((broker) => Object.values(broker).map((value) => value ?? undefined));
  await print({ document: { brokers }, sections: [{ name: 'broker', head, rows }] });
  const unhealthy = brokers.filter(({ serving }) => !serving).map(({ broker }) => broker);
  if (unhealthy.length > 0 || brokers.length === 0) throw new UnhealthyError(unhealthy, brokers.length);
}
