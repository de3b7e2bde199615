/** State machines that are wrong about idempotent producers. Each has one defect; production code has none of them. */

import { PartitionHost } from '../../broker/partition-host.js';
import type { RaftFactory } from '../../broker/group-factory.js';
import { decodePartitionSnapshot, encodePartitionSnapshot } from '../../log/partition-snapshot.js';
import type { ProducerHeader, ProducerState, SequenceVerdict } from '../../log/producer-state.js';
import { Raft } from '../../raft/raft.js';

/** A core whose partition is spoilt when the group is made. */
function spoiling(spoil: (producers: ProducerState, partition: PartitionHost) => void): RaftFactory {
  return (config, source, recovered, observer) => {
    if (observer instanceof PartitionHost) spoil(observer.log.producers, observer);
    return new Raft(config, source, recovered, observer);
  };
}

/** Has the verdicts of a leader changed. */
function judging(change: (verdict: SequenceVerdict) => SequenceVerdict): RaftFactory {
  return spoiling((producers) => {
    const check = producers.check.bind(producers);
    producers.check = (header: ProducerHeader): SequenceVerdict => change(check(header));
  });
}

/** Appends whatever comes, as often as it comes. */
export const newAppendsAgain = judging((verdict) =>
  verdict.kind === 'duplicate' ? { kind: 'next' } : verdict,
);

/** Acknowledges a batch that comes again before the first one is committed. */
export const newAcknowledgesEarly = judging((verdict) =>
  verdict.kind === 'duplicate' ? { ...verdict, index: undefined } : verdict,
);

/** Snapshots that say nothing of producers. */
export const newForgetsProducers = spoiling((_, partition) => {
  const snapshot = partition.snapshot.bind(partition);
  partition.snapshot = (appliedIndex) => {
    const whole = decodePartitionSnapshot(snapshot(appliedIndex));
    return encodePartitionSnapshot({ ...whole, producers: new Map() });
  };
});

/** Batches that were truncated count as if they were there. */
export const newKeepsCutSequences = spoiling((producers) => {
  producers.truncatedFrom = (): void => undefined;
});
