/**
 * The data of group 0's snapshot: the whole cluster metadata as JSON, and up to which entry it goes. Pure.
 *
 * JSON with a version, as the commands: it is small, and people read it when something went wrong.
 */

import { invariant } from '../invariant.js';
import { asLogIndex, type LogIndex } from '../raft/types.js';
import { decodeUtf8, encodeUtf8 } from '../records/utf8.js';
import { ClusterState } from './cluster-state.js';

/** Another number is another layout. */
const FORMAT_VERSION = 1;

export interface ClusterSnapshot {
  /** Entries up to here have taken effect. */
  readonly appliedIndex: LogIndex;
  readonly state: ClusterState;
}

/** The same state gives the same bytes on every broker (I17). */
export function encodeClusterSnapshot({ appliedIndex, state }: ClusterSnapshot): Uint8Array {
  const json = { version: FORMAT_VERSION, applied: appliedIndex, state: state.toJson() };
  return encodeUtf8(JSON.stringify(json));
}

/** Reads what `encodeClusterSnapshot` wrote. @throws InvariantError or SyntaxError for anything else. */
export function decodeClusterSnapshot(data: Uint8Array): ClusterSnapshot {
  const { version, applied, state } = JSON.parse(decodeUtf8(data)) as Readonly<Record<string, unknown>>;
  invariant(version === FORMAT_VERSION, 'a cluster snapshot of a known version', { version });
  invariant(typeof applied === 'number', 'a cluster snapshot with its applied index', { applied });
  return { appliedIndex: asLogIndex(applied), state: ClusterState.fromJson(state) };
}
