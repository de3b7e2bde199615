/**
 * Who the replicas of a group are. Pure.
 *
 * The membership is in the log: an entry of kind MEMBERSHIP holds the whole of it. When it is in force is
 * told in memberships.ts. Before the first such entry the membership is the one that the group was made with.
 */

import { invariant } from '../invariant.js';
import type { BrokerId } from './types.js';

export interface Membership {
  /** Count in quorums, vote and lead. In order of preference: the preferred leader first. */
  readonly voters: readonly BrokerId[];
  /** Get the log and count for nothing (thesis section 4.2.1). */
  readonly learners: readonly BrokerId[];
}

/** First character of the payload; another one is another layout. */
const VERSION = '1';
const BROKER_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Layout, in ASCII so that people can read it: version ";" voters ";" learners, names parted by ",". */
export function encodeMembership({ voters, learners }: Membership): Uint8Array {
  const all = [...voters, ...learners];
  invariant(
    all.every((id) => BROKER_ID.test(id)),
    'brokers have names of the allowed form',
    { members: all.join() },
  );
  checkDistinct({ voters, learners });
  const text = `${VERSION};${voters.join(',')};${learners.join(',')}`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Reads what `encodeMembership` wrote. @throws InvariantError for anything else. */
export function decodeMembership(payload: Uint8Array): Membership {
  const text = Array.from(payload, (byte) => String.fromCharCode(byte)).join('');
  const [version, voters, learners, ...rest] = text.split(';');
  invariant(version === VERSION, 'a membership of a known version', { version });
  invariant(voters !== undefined && learners !== undefined && rest.length === 0, 'a whole membership');
  const membership = { voters: names(voters), learners: names(learners) };
  checkDistinct(membership);
  return membership;
}

function checkDistinct({ voters, learners }: Membership): void {
  const all = [...voters, ...learners];
  invariant(new Set(all).size === all.length, 'members are distinct', { members: all.join() });
}

function names(text: string): readonly BrokerId[] {
  const found = text === '' ? [] : text.split(',');
  invariant(
    found.every((id) => BROKER_ID.test(id)),
    'brokers have names of the allowed form',
    { text },
  );
  return found;
}

/** True when both name the same voters and the same learners, in whatever order. */
export function sameMembers(a: Membership, b: Membership): boolean {
  return sameNames(a.voters, b.voters) && sameNames(a.learners, b.learners);
}

function sameNames(a: readonly BrokerId[], b: readonly BrokerId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
