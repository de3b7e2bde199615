/** `bellwether explain TOPIC PARTITION`: why this broker leads and not the preferred one, or why nobody does. */
import type { Command } from 'commander';
import type { LeaderExplanation, PartitionRef } from '../../client/index.js';
import { integer } from '../arguments.js';
import { INT32_MAX, withClient, withClientFlags } from '../client-command.js';
import type { CliIo } from '../io.js';
import { changeDocument, changeSection } from '../leadership-report.js';
import { changeSentence, standingWords, timeText } from '../leadership-words.js';
import type { Section } from '../output.js';

export function addExplainCommand(program: Command, io: CliIo): void {
  withClientFlags(program.command('explain'))
    .description(
      'Show why a broker leads a partition, what speaks against the others, and how it came about.',
    )
    .argument('<topic>', 'name of the topic; __cluster, with partition 0, for the cluster metadata')
    .argument('<partition>', 'number of the partition, from 0', integer(0, INT32_MAX))
    .action((topic: string, partition: number, _flags: unknown, command: Command) =>
      withClient(io, command, async ({ client, print }) => {
        const ref = { topic, partition };
        const explanation = await client.explainLeader(ref);
        await print({
          document: explanationDocument(ref, explanation),
          sections: sections(explanation),
          prose: `${topic}/${partition}: ${prose(explanation)}`,
        });
      }),
    );
}

function explanationDocument(ref: PartitionRef, explanation: LeaderExplanation) {
  return {
    ...ref,
    leader: explanation.leader ?? null,
    term: explanation.term,
    preferred_leader: explanation.preferredLeader,
    summary: explanation.summary,
    replicas: explanation.replicas.map(({ broker, leads, obstacles, lagEntries, coolDownMs }) => ({
      broker,
      leads,
      obstacles,
      lag_entries: lagEntries ?? null,
      cool_down_ms: coolDownMs,
    })),
    changes: explanation.changes.map(changeDocument),
  };
}

function sections({
  leader,
  term,
  preferredLeader,
  summary,
  replicas,
  changes,
}: LeaderExplanation): Section[] {
  return [
    {
      name: 'leader',
      head: ['leader', 'term', 'preferred_leader', 'summary'],
      rows: [[leader, term, preferredLeader, summary]],
    },
    {
      name: 'replica',
      head: ['broker', 'leads', 'obstacles', 'lag_entries', 'cool_down_ms'],
      rows: replicas.map(({ broker, leads, obstacles, lagEntries, coolDownMs }) => [
        broker,
        leads,
        obstacles,
        lagEntries,
        coolDownMs,
      ]),
    },
    changeSection(changes),
  ];
}

/** The same for people, in words. */
function prose({ preferredLeader, summary, replicas, changes }: LeaderExplanation): string {
  const width = Math.max(...replicas.map(({ broker }) => broker.length));
  const standings = replicas.map(
    (replica) => `  ${replica.broker.padEnd(width)}  ${standingWords(replica, preferredLeader)}\n`,
  );
  const history = changes.map((change) => `  ${timeText(change)}  ${changeSentence(change)}\n`);
  return [
    `${summary}\n`,
    '\nReplicas, in order of preference:\n',
    ...standings,
    ...(history.length === 0 ? [] : ['\nHow it came about, the newest first:\n', ...history]),
  ].join('');
}
