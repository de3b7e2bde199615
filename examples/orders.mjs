// Sends orders, reads them back, and goes on over the death of the broker that leads them.
//
//     node examples/orders.mjs
//
// Against a running cluster: connect({ brokers: ['127.0.0.1:7001'] }) instead of startCluster.
import { startCluster } from 'bellwether/testing';

const cluster = await startCluster({ brokers: 3 });
try {
  const client = await cluster.client();
  await client.admin.createTopic('orders', { partitions: 1 });

  const producer = client.producer();
  const { partition, offset } = await producer.send('orders', { key: 'customer-1', value: 'tea' });
  console.log(`tea is record ${offset} of partition ${partition}`);

  console.log(`killed ${await cluster.killLeader('orders', 0)}, the leader`);
  await producer.sendAll('orders', [{ value: 'coffee' }, { value: 'milk' }]);
  await producer.close();

  const consumer = client.consumer({ partitions: [{ topic: 'orders', partition: 0 }], untilEnd: true });
  for await (const record of consumer) {
    console.log(`${record.offset}: ${Buffer.from(record.value ?? []).toString()}`);
  }
} finally {
  await cluster.stop();
}
