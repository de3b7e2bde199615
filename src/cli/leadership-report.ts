/** How changes of leadership are printed. Shared by the commands about leadership. */
import type { LeadershipChange, LeadershipTimeline } from '../client/index.js';
import { causeWords, timeText } from './leadership-words.js';
import type { Cell, Section } from './output.js';

/** Heads of `changeRow`. Durations are in milliseconds. */
const CHANGE_HEAD = [
  'when',
  'partition',
  'from',
  'to',
  'term',
  'cause',
  'detect\nms',
  'elect\nms',
  'commit\nms',
  'total\nms',
  'blocked\nms',
  'first\nwrite\nms',
] as const;

/** The JSON form of a change. */
export function changeDocument(change: LeadershipChange) {
  return {
    sequence: change.sequence,
    topic: change.topic,
    partition: change.partition,
    leader: change.leader,
    term: change.term,
    previous_leader: change.previousLeader ?? null,
    previous_term: change.previousTerm,
    cause: change.cause,
    changed_at_ms: change.changedAtMs,
    timeline: timelineDocument(change.timeline),
  };
}

/** The JSON form of a timeline: milliseconds to the microsecond, null for what there is not. */
export function timelineDocument(timeline: LeadershipTimeline | undefined) {
  if (timeline === undefined) return null;
  return {
    detect_ms: micros(timeline.detectMs),
    elect_ms: micros(timeline.electMs),
    commit_ms: micros(timeline.commitMs),
    total_ms: micros(timeline.totalMs),
    blocked_ms: micros(timeline.blockedMs),
    first_write_ms: micros(timeline.firstWriteMs),
  };
}

/** The table of `changes`. */
export function changeSection(changes: readonly LeadershipChange[]): Section {
  return { name: 'change', head: CHANGE_HEAD, rows: changes.map(changeRow) };
}

/** A change in the columns of the table. */
export function changeRow(change: LeadershipChange): readonly Cell[] {
  const { topic, partition, previousLeader, leader, term, cause, timeline } = change;
  return [
    timeText(change),
    `${topic}/${partition}`,
    previousLeader,
    leader,
    term,
    causeWords(cause),
    tenths(timeline?.detectMs),
    tenths(timeline?.electMs),
    tenths(timeline?.commitMs),
    tenths(timeline?.totalMs),
    tenths(timeline?.blockedMs),
    tenths(timeline?.firstWriteMs),
  ];
}

/** Milliseconds with one decimal. */
export function tenths(ms: number | undefined): string | undefined {
  return ms?.toFixed(1);
}

function micros(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1000) / 1000;
}
