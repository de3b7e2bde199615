/** SDK call that names a producer, so that its batches may be sent again. */
import { LogServiceService } from '../../gen/bellwether/v1/log_service.js';
import type { Session } from './session.js';
import type { CallOptions } from './types.js';
import type { ProducerIdentity } from './types-producer.js';

/** An identity that nobody else has. Sent again when in doubt: an id that is never used costs nothing. */
export async function initProducer(
  session: Session,
  options: CallOptions | undefined,
): Promise<ProducerIdentity> {
  const { producerId, producerEpoch } = await session.call({
    method: LogServiceService.initProducer,
    request: () => ({}),
    effect: 'idempotent_write',
    route: session.anyBroker(),
    options,
  });
  return { producerId, producerEpoch };
}
