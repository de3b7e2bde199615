/** I20: a broker that is about to stop takes no leadership over, whoever votes for it or hands over to it. */

import type { SimProcess } from '../process.js';
import type { ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

/** Call when the role or the term of a replica has changed. */
export function checkDeparture({ broker, id }: SimProcess, view: ReplicaView): void {
  const takesOver = view.role === 'leader' && broker?.departure.hasBegun === true;
  const { group, term } = view;
  holds(!takesOver, 'I20', 'a broker that is about to stop takes nothing over', { broker: id, group, term });
}
