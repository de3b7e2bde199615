/**
 * Serves send: appends a message to its key's log and answers with its offset only, as the workload's
 * schema is closed. Code 11 only when nothing was appended: errors that leave it open have code 13.
 */
import { sendBody } from '../messages.js';
import { toRecordBytes } from '../record-json.js';
import { handler } from './handler.js';
import { partitionOfKey } from './kafka-workload.js';

export const send = handler(sendBody, async ({ key }, context) => {
  const ref = partitionOfKey(key);
  const record = { value: toRecordBytes(context.source('msg')) };
  const { baseOffset } = await context.firstUse.run(ref, context.budget, (options) =>
    context.client.produce(ref, [record], options),
  );
  return { type: 'send_ok', fields: { offset: baseOffset } };
});
