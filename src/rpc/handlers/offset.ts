/** OffsetService: committed offsets of consumer groups. */

import type { OffsetServiceServer } from '../../../gen/bellwether/v1/offset_service.js';
import type { Broker } from '../../broker/broker.js';
import { commitOffsets, fetchOffsets } from '../../broker/offsets.js';
import { adaptUnary, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { callTimeoutMs } from '../call-timeout.js';
import {
  INT32_MAX,
  invalid,
  listField,
  nameField,
  optionalInt,
  partitionField,
  topicField,
} from '../fields.js';

/** Partitions that one request may name. */
const PARTITIONS_MAX = 1_000;

export function offsetHandlers(broker: Broker, onDefect: OnDefect): ServiceHandlers<OffsetServiceServer> {
  return {
    commitOffsets: adaptUnary(
      async (request, context) => {
        const group = nameField('group', request.group);
        const offsets = listField('offsets', request.offsets, 1, PARTITIONS_MAX).map(
          ({ topic, partition, offset }, i) => {
            if (!Number.isSafeInteger(offset) || offset < 0) {
              throw invalid(`offsets[${String(i)}].offset`, 'must be an integer from 0', offset);
            }
            return { topic: topicField(topic), partition: partitionField(partition), offset };
          },
        );
        const { claim } = request;
        const generation = optionalInt('generation', request.generation, 0, INT32_MAX);
        if (claim && generation === undefined) throw invalid('claim', 'needs a generation to claim');
        await commitOffsets(broker, group, offsets, callTimeoutMs(context), { generation, claim });
        return {};
      },
      { onDefect },
    ),

    fetchOffsets: adaptUnary(
      async (request, context) => {
        const group = nameField('group', request.group);
        const partitions = listField('partitions', request.partitions, 1, PARTITIONS_MAX).map(
          ({ topic, partition }) => ({ topic: topicField(topic), partition: partitionField(partition) }),
        );
        const found = await fetchOffsets(broker, group, partitions, callTimeoutMs(context));
        return {
          offsets: partitions.flatMap((ref, i) => {
            const stored = found[i];
            return stored === undefined ? [] : [{ ...ref, ...stored }];
          }),
        };
      },
      { onDefect },
    ),
  };
}
