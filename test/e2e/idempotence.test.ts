/** Batches of an idempotent producer against real processes: sent again after every error, through kill -9. */

import { credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { Acks, LogServiceClient, type ProduceResponse } from '../../gen/bellwether/v1/log_service.js';
import type { BellwetherClient } from '../../src/client/index.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { ProcessCluster } from './processes.js';

const REF = { topic: 'orders', partition: 0 };
const BATCHES = 60;
/** The leader is killed while the batches behind these are sent. */
const KILLED_AT = [20, 40];
/** How long one attempt may take: long enough for an election, so that an answer may also get lost. */
const ATTEMPT_MS = 1_000;
/** How long a batch is sent again. */
const PATIENCE_MS = 20_000;

let cluster: ProcessCluster;

afterEach(async () => {
  await cluster.close();
});

function attempt(address: string, recordBatch: Uint8Array): Promise<ProduceResponse> {
  const log = new LogServiceClient(address, credentials.createInsecure());
  const request = { ...REF, acks: Acks.ALL, records: [], recordBatch };
  return new Promise<ProduceResponse>((resolve, reject) => {
    log.produce(request, new Metadata(), { deadline: Date.now() + ATTEMPT_MS }, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  }).finally(() => {
    log.close();
  });
}

/** Sends the same batch until some leader acknowledges it. */
async function send(client: BellwetherClient, recordBatch: Uint8Array): Promise<ProduceResponse> {
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const { leader } = await client.partitionLeader(REF);
      return await attempt(cluster.address(leader), recordBatch);
    } catch (error) {
      if (Date.now() > endMs) throw error;
    }
  }
}

async function values(client: BellwetherClient): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    const { records } = await client.fetch(REF, found.length);
    if (records.length === 0) return found;
    for (const { value } of records) found.push(new TextDecoder().decode(value));
  }
}

describe('an idempotent producer', () => {
  it('has every record there once, in order, though leaders are killed and each batch is sent again', async () => {
    cluster = await ProcessCluster.start();
    const client = await cluster.client();
    await client.admin.createTopic('orders');
    const { producerId: id, producerEpoch: epoch } = await client.admin.initProducer();
    for (let baseSequence = 0; baseSequence < BATCHES; baseSequence++) {
      const record = { key: undefined, value: new TextEncoder().encode(`v${baseSequence}`), headers: [] };
      const batch = encodeRecordBatch([{ ...record, timestampMs: 1 }], { id, epoch, baseSequence });
      const sent = send(client, batch);
      if (KILLED_AT.includes(baseSequence)) {
        const { leader } = await client.partitionLeader(REF);
        await cluster.kill(leader);
        cluster.launch(leader);
      }
      expect((await sent).baseOffset).toBe(baseSequence);
      const { baseOffset, duplicate } = await send(client, batch);
      expect([baseOffset, duplicate]).toEqual([baseSequence, true]);
    }
    expect(await values(client)).toEqual(Array.from({ length: BATCHES }, (_, i) => `v${i}`));
  });
});
