/** Record batches that other implementations made, with what they hold. Facts only: bytes and their meaning. */

import type { LogRecord } from '../../src/records/log-record.js';
import { fromHex, utf8 } from './hex.js';

export interface BatchVector {
  readonly source: string;
  readonly batch: Uint8Array;
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly crc: number;
  readonly records: readonly LogRecord[];
}

function record(
  timestampMs: number,
  key: string | undefined,
  value: string | undefined,
  headers: readonly (readonly [string, Uint8Array])[] = [],
): LogRecord {
  return {
    key: key === undefined ? undefined : utf8(key),
    value: value === undefined ? undefined : utf8(value),
    headers: headers.map(([name, bytes]) => ({ key: name, value: bytes })),
    timestampMs,
  };
}

/**
 * Written by an Apache Kafka 0.11 broker ("real live data from Kafka 11 broker"):
 * dpkp/kafka-python test/record/test_records.py, record_batch_data_v2, at commit
 * 3c6531c4a0be9a9a0dbc2593978c8d0767736654. Producer id, epoch and sequence are -1, as we write them, so
 * encoding must give the very same bytes.
 */
export const KAFKA_BROKER_BATCHES: readonly BatchVector[] = [
  {
    source: 'Kafka 0.11, batch 1, null key',
    batch: fromHex(`0000000000000000 0000003b 00000001 02 0318a270 0000 00000000
      0000015dff7b063c 0000015dff7b063c ffffffffffffffff ffff ffffffff 00000001
      12000000010631323300`),
    baseOffset: 0,
    leaderEpoch: 1,
    crc: 0x0318a270,
    records: [record(1_503_229_838_908, undefined, '123')],
  },
  {
    source: 'Kafka 0.11, batch 2, two records with empty values',
    batch: fromHex(`0000000000000001 00000040 00000002 02 c85cbd23 0000 00000001
      0000015dff7cdd6c 0000015dff7cde14 ffffffffffffffff ffff ffffffff 00000002
      0c0000000100000e00d00202010000`),
    baseOffset: 1,
    leaderEpoch: 2,
    crc: 0xc85cbd23,
    records: [record(1_503_229_959_532, undefined, ''), record(1_503_229_959_700, undefined, '')],
  },
  {
    source: 'Kafka 0.11, batch 3, base offset 3',
    batch: fromHex(`0000000000000003 0000003b 00000002 02 2e0b85b7 0000 00000000
      0000015dff7ce79d 0000015dff7ce79d ffffffffffffffff ffff ffffffff 00000001
      12000000010631323300`),
    baseOffset: 3,
    leaderEpoch: 2,
    crc: 0x2e0b85b7,
    records: [record(1_503_229_962_141, undefined, '123')],
  },
  {
    source: 'Kafka 0.11, batch 4, a header',
    batch: fromHex(`0000000000000000 00000045 00000000 02 5cd8ef52 0000 00000000
      0000016585b6f3c1 0000016585b6f3c1 ffffffffffffffff ffff ffffffff 00000001
      2600000001066864720208686b6579086876616c`),
    baseOffset: 0,
    leaderEpoch: 0,
    crc: 0x5cd8ef52,
    records: [record(1_535_546_684_353, undefined, 'hdr', [['hkey', utf8('hval')]])],
  },
];

/**
 * Made with JavaScript clients. They write producer epoch and base sequence as 0 where we write -1, so only
 * the records (from byte 61) compare byte for byte.
 */
export const CLIENT_BATCHES: readonly BatchVector[] = [
  {
    // src/protocol/recordBatch/v0 of the npm package. The second timestamp delta needs more than 32 bits.
    source: 'kafkajs 2.2.4',
    batch: fromHex(`0000000000000000 0000007b 00000000 02 8da45c90 0000 00000002
      0000018bcfe56800 0000018cf9eb5a00 ffffffffffffffff 0000 00000000 00000003
      240000000a6b65792d300e76616c75652d30004c0080c8afa02502011e6772c3bcc39f6520e282acf0908d880210
      74726163652d69640600ff801e008b01040001040261023104c39f00`),
    baseOffset: 0,
    leaderEpoch: 0,
    crc: 0x8da45c90,
    records: [
      record(1_700_000_000_000, 'key-0', 'value-0'),
      record(1_705_000_000_000, undefined, 'grüße €𐍈', [['trace-id', Uint8Array.of(0, 255, 128)]]),
      record(1_699_999_999_930, '', undefined, [
        ['a', utf8('1')],
        ['ß', utf8('')],
      ]),
    ],
  },
  {
    // createRecordsBatch of the npm package.
    source: '@platformatic/kafka 1.35.0',
    batch: fromHex(`0000000000000000 00000064 00000000 02 4732237c 0000 00000001
      0000018bcfe56800 0000018bcfe6b980 ffffffffffffffff 0000 00000000 00000002
      280000000e6f726465722d370e63726561746564003a0080c60a020e6f726465722d3701040c736f757263650677
      6562026e00`),
    baseOffset: 0,
    leaderEpoch: 0,
    crc: 0x4732237c,
    records: [
      record(1_700_000_000_000, 'order-7', 'created'),
      record(1_700_000_086_400, 'order-7', undefined, [
        ['source', utf8('web')],
        ['n', utf8('')],
      ]),
    ],
  },
];

/**
 * A gzip batch with log append time: tulios/kafkajs src/protocol/recordBatch/fixtures/v0_recordbatch.json, at
 * commit 6cb57e1ff88469a35d0e23f0b007de8520a83054.
 */
export const GZIP_BATCH = fromHex(`0000000000000000 00000071 00000000 02 e4c324a5 0009 00000000
  00000173edf5ffa7 00000173edf5ffc9 ffffffffffffffff 0000 00000000 00000001
  1f8b08000000000000130b636060e0ca4eadd43570284bcc294dd535d035323032d035b0d03534093134b73234b632b0
  d033b3308a620000b5e3f1a72c000000`);

/** A message of format version 1, padded to a header: record_batch_data_v1 of the kafka-python file above. */
export const MAGIC_1_BATCH = fromHex(`0000000000000000 00000019 478628c2 01 00 0000015e1867abae
  ffffffff 00000003 313233 000000000000000000000000000000000000000000000000`);
