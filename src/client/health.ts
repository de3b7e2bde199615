/** SDK call that asks every broker whether it can take part in commits. */
import {
  AdminServiceService,
  type DescribeHealthResponse,
  UnreadyReason as WireReason,
} from '../../gen/bellwether/v1/admin_service.js';
import { fromServiceError } from '../wire/status.js';
import type { Session } from './session.js';
import type { Admin, CallOptions } from './types.js';
import type { BrokerHealth, UnreadyReason } from './types-cluster.js';

/** What one broker may take to answer, in milliseconds: one that takes longer serves nobody. */
const ANSWER_MS_MAX = 2_000;

const REASONS: Readonly<Record<number, UnreadyReason>> = {
  [WireReason.NOT_REGISTERED]: 'NOT_REGISTERED',
  [WireReason.NO_CONTROLLER]: 'NO_CONTROLLER',
  [WireReason.NO_QUORUM]: 'NO_QUORUM',
  [WireReason.DISK_SLOW]: 'DISK_SLOW',
  [WireReason.DRAINING]: 'DRAINING',
  [WireReason.FAILED]: 'FAILED',
};

export function createHealthAdmin(session: Session): Pick<Admin, 'describeHealth'> {
  return { describeHealth: (options) => describeHealth(session, options) };
}

/** All brokers are asked at the same time; which there are, any broker tells. */
async function describeHealth(session: Session, options: CallOptions | undefined): Promise<BrokerHealth[]> {
  const { brokers } = await session.call({
    method: AdminServiceService.listBrokers,
    request: () => ({}),
    effect: 'read',
    route: session.anyBroker(),
    options,
  });
  const timeoutMs = Math.min(ANSWER_MS_MAX, session.timeoutMs(options));
  return Promise.all(brokers.map(({ id, address }) => healthOf(session, id, address, timeoutMs)));
}

async function healthOf(
  session: Session,
  broker: string,
  address: string,
  timeoutMs: number,
): Promise<BrokerHealth> {
  const unreachable = (message: string): BrokerHealth => ({
    ...{ broker, address, serving: false },
    causes: [{ reason: 'UNREACHABLE', message }],
  });
  if (address === '') return unreachable('it has not started yet');
  try {
    const answer = await session.ask(address, AdminServiceService.describeHealth, {}, timeoutMs);
    if (answer.broker === broker) return toHealth(address, answer);
    return unreachable(`${answer.broker} answers at its address`);
  } catch (error) {
    return unreachable(fromServiceError(error).message);
  }
}

function toHealth(address: string, { broker, serving, causes }: DescribeHealthResponse): BrokerHealth {
  const named = causes.map(({ reason, message }) => ({ reason: REASONS[reason] ?? 'UNKNOWN', message }));
  return { broker, address, serving, causes: named };
}
