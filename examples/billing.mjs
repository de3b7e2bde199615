// A topic with a configuration, headers, a tombstone, and a consumer group that commits what it has done.
import { startCluster } from 'bellwether/testing';

const cluster = await startCluster({ brokers: 3 });
try {
  const client = await cluster.client();
  await client.admin.createTopic('bills', {
    partitions: 1,
    config: { retention_ms: 86_400_000, min_insync_replicas: 2 },
  });

  const producer = client.producer({ compression: 'gzip' });
  await producer.sendAll('bills', [
    { key: 'customer-1', value: 'tea', headers: [{ key: 'trace', value: 'a1' }] },
    { key: 'customer-2', value: 'coffee' },
    { key: 'customer-1', value: null }, // A tombstone: customer-1 has no bill any more.
  ]);
  await producer.close();

  const partitions = [{ topic: 'bills', partition: 0 }];
  const consumer = () => client.consumer({ partitions, group: 'billing', untilEnd: true });
  const text = (bytes) => (bytes === undefined ? 'nothing' : Buffer.from(bytes).toString());

  const first = consumer();
  for await (const { offset, key, value, headers } of first) {
    const trace = headers.map((header) => ` (${header.key} ${text(header.value)})`).join('');
    console.log(`${offset}: ${text(key)} has ${text(value)}${trace}`);
    if (offset === 1) {
      await first.commit(); // Up to this record, and with it.
      break;
    }
  }

  console.log('another consumer of the group goes on:');
  for await (const { offset, key, value } of consumer()) {
    console.log(`${offset}: ${text(key)} has ${text(value)}`);
  }
  const [stored] = await client.fetchOffsets('billing', partitions);
  console.log(`committed: ${stored.offset}`);
} finally {
  await cluster.stop();
}
