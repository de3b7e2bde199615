/** Serves produce: appends one record. Key and value are any JSON; the offset is -1 with acks 0. */
import { produceBody } from '../messages.js';
import { toRecordBytes } from '../record-json.js';
import { handler } from './handler.js';

export const produce = handler(produceBody, async ({ topic, partition, acks }, context) => {
  const ref = { topic, partition };
  const record = {
    key: toRecordBytes(context.source('key')),
    value: toRecordBytes(context.source('value')),
  };
  const result = await context.firstUse.run(ref, context.budget, (options) =>
    context.client.produce(ref, [record], { ...options, acks }),
  );
  return {
    type: 'produce_ok',
    fields: { partition: result.partition, offset: result.baseOffset, term: result.term },
  };
});
