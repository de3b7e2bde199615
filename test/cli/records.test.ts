/** `produce` and `fetch`, against a fake broker that keeps what it gets. */
import { OffsetPosition } from '../../gen/bellwether/v1/log_service.js';
import { describe, expect, it } from 'vitest';
import { EXIT_CODE } from '../../src/cli/main.js';
import { partitionForKey } from '../../src/client/index.js';
import { BellwetherError } from '../../src/errors.js';
import { never } from '../client/fake-broker.js';
import { fail } from '../client/harness.js';
import { refused } from '../client/producer-rig.js';
import { LINE_BYTES_MAX } from '../../src/cli/line-batches.js';
import { startLog, text } from './fake-log.js';
import { input } from './run.js';

/** A key for each partition. */
function keysOf(partitionCount: number): string[] {
  const keys: string[] = [];
  for (let n = 0; keys.filter(Boolean).length < partitionCount; n += 1) {
    keys[partitionForKey(Buffer.from(`k${n}`), partitionCount)] ??= `k${n}`;
  }
  return keys;
}

describe('produce', () => {
  it('appends one record a line and says where they went', async () => {
    const { logs, cli } = await startLog(1);
    const stdin = input('one\ntw', 'o\n\nfour');
    expect(await cli(['produce', 'orders', '--partition', '0'], { stdin })).toEqual({
      exitCode: EXIT_CODE.done,
      stdout: '0\t4\t0\t3\t1\n',
      stderr: '4 records (10 bytes) appended\n',
    });
    expect(logs[0]?.map(({ value }) => text(value))).toEqual(['one', 'two', '', 'four']);
    expect(logs[0]?.every(({ key }) => key === undefined)).toBe(true);
  });

  it('spreads keys by murmur2, as Kafka does, and takes the key off the value', async () => {
    const { logs, cli } = await startLog(3);
    const keys = ['21', 'foobar', 'a-little-bit-long-string', 'k4', 'k5'];
    const stdin = input(keys.map((key) => `${key}:v:${key}\n`).join(''));
    await cli(['produce', 'orders', '--key-delimiter', ':'], { stdin });
    for (const key of keys) {
      const log = logs[partitionForKey(Buffer.from(key), 3)] ?? [];
      const record = log.find((candidate) => text(candidate.key) === key);
      expect(text(record?.value)).toBe(`v:${key}`);
    }
  });

  it('gives each batch without keys to the next partition', async () => {
    const { logs, cli } = await startLog(2);
    const stdin = input(Array.from({ length: 12_000 }, (_, n) => `${n}\n`).join(''));
    const { stdout } = await cli(['produce', 'orders', '--output', 'json'], { stdin });
    expect(logs.map((log) => log.length)).toEqual([7_000, 5_000]);
    expect(JSON.parse(stdout)).toEqual({
      topic: 'orders',
      partitions: [
        { partition: 0, record_count: 7_000, first_offset: 0, last_offset: 6_999, term: 1 },
        { partition: 1, record_count: 5_000, first_offset: 0, last_offset: 4_999, term: 1 },
      ],
    });
  });

  it('-Z appends an empty key or value as null, and -q says nothing', async () => {
    const { logs, cli } = await startLog(1);
    const stdin = input('k:\n:v\n\n:\n');
    const { stderr } = await cli(['produce', 'orders', '-p', '0', '-K', ':', '-Z', '-q'], { stdin });
    expect(logs[0]?.map(({ key, value }) => [text(key), text(value)])).toEqual([
      ['k', null],
      [null, 'v'],
      [null, null],
      [null, null],
    ]);
    expect(stderr).toBe('');
  });

  it('counts exactly what was appended, what may be, and what is not, and ends with the first failure', async () => {
    const { broker, batchSizes, cli } = await startLog(2);
    const { produceStream } = broker.script;
    broker.script.produceStream = (request) => {
      if (request.partition === 1) return refused(request, new BellwetherError('INVALID_REQUEST', 'no'));
      if (batchSizes.length > 0) return refused(request, new BellwetherError('COMMIT_TIMEOUT', 'late'));
      return produceStream === undefined ? fail('INTERNAL') : produceStream(request);
    };
    const [zero, one] = keysOf(2);
    const lines = `${zero}:x\n`.repeat(11_000) + `${one}:x\n`;
    const { exitCode, stdout, stderr } = await cli(
      ['produce', 'orders', '-K', ':', '--acks', '1', '--timeout-ms', '2000'],
      { stdin: input(lines) },
    );
    const [first = 0] = batchSizes;
    expect(first).toBeGreaterThan(0);
    expect([exitCode, stdout]).toEqual([EXIT_CODE.failed, `0\t${first}\t0\t${first - 1}\t1\n`]);
    expect(stderr).toContain(`${first} records (`);
    expect(stderr).toContain(`appended, ${11_000 - first} of unknown outcome, 1 not appended\n`);
    expect(stderr).toMatch(/bellwether: (COMMIT_TIMEOUT|INVALID_REQUEST): /);
  });

  it('a failure ends it, though more could be read', async () => {
    const { broker, cli } = await startLog(1);
    broker.script.produceStream = (request) => refused(request, new BellwetherError('INVALID_REQUEST', 'no'));
    async function* endless() {
      yield Buffer.from('one\n');
      await never();
    }
    const { exitCode, stderr } = await cli(['produce', 'orders', '-p', '0'], { stdin: endless() });
    expect(exitCode).toBe(EXIT_CODE.failed);
    expect(stderr).toContain('0 records (0 bytes) appended, 1 not appended\nbellwether: INVALID_REQUEST');
  });

  it('appends every line before one that is too long and none behind it, and counts them', async () => {
    const { logs, cli } = await startLog(1);
    const stdin = input(`${'a\n'.repeat(7_000)}${'x'.repeat(LINE_BYTES_MAX + 1)}\nafter\n`);
    const { exitCode, stderr } = await cli(['produce', 'orders'], { stdin });
    expect(exitCode).toBe(EXIT_CODE.failed);
    expect(logs[0]?.length).toBe(7_000);
    expect(stderr).toMatch(
      /^7000 records \(7000 bytes\) appended\nbellwether: RECORD_BATCH_TOO_LARGE: line 7001 /,
    );
  });

  it('counts to zero when the first line is too long', async () => {
    const { cli } = await startLog(1);
    const { stdout, stderr } = await cli(['produce', 'orders'], {
      stdin: input('x'.repeat(LINE_BYTES_MAX + 1)),
    });
    expect([stdout, stderr.split('\n')[0]]).toEqual(['', '0 records (0 bytes) appended']);
  });

  it.each([0, 1, 10_000])(
    'the longest line fits a batch of 1 MiB, with a key of %i bytes',
    async (keyBytes) => {
      const { logs, cli } = await startLog(1);
      const line = `${'k'.repeat(keyBytes)}:`.padEnd(LINE_BYTES_MAX, 'v');
      const { exitCode } = await cli(['produce', 'orders', '-p', '0', '-K', ':'], { stdin: input(line) });
      expect(exitCode).toBe(EXIT_CODE.done);
      expect(logs[0]?.[0]?.value?.length).toBe(LINE_BYTES_MAX - keyBytes - 1);
    },
  );

  it('keeps the order of the lines of a partition over a hundred batches', async () => {
    const { logs, cli } = await startLog(1);
    const lines = Array.from({ length: 40_000 }, (_, n) => `${n} ${'x'.repeat(600)}`);
    const { exitCode } = await cli(['produce', 'orders', '-p', '0'], {
      stdin: input(`${lines.join('\n')}\n`),
    });
    expect(exitCode).toBe(EXIT_CODE.done);
    expect(logs[0]?.map(({ value }) => text(value)) ?? []).toEqual(lines);
  });

  it('does not wait for a full batch when the input pauses', async () => {
    const { batchSizes, broker, cli } = await startLog(1);
    let go: () => void = () => undefined;
    const produced = new Promise<void>((resolve) => (go = resolve));
    const { produceStream } = broker.script;
    broker.script.produceStream = (request) => {
      go();
      return produceStream === undefined ? fail('INTERNAL') : produceStream(request);
    };
    async function* paused() {
      yield Buffer.from('one\n');
      await produced; // Never, if the first line waited for the second.
      yield Buffer.from('two\n');
    }
    await cli(['produce', 'orders', '--partition', '0'], { stdin: paused() });
    expect(batchSizes).toEqual([1, 1]);
  });

  it('an unknown topic fails before any line is read', async () => {
    const { broker, cli } = await startLog(1);
    broker.script.describeTopic = () => fail('UNKNOWN_TOPIC_OR_PARTITION');
    const { exitCode, stdout, stderr } = await cli(['produce', 'orders'], { stdin: input('x\n') });
    expect([exitCode, stdout]).toEqual([EXIT_CODE.failed, '']);
    expect(stderr).toMatch(/^0 records \(0 bytes\) appended\nbellwether: UNKNOWN_TOPIC_OR_PARTITION/);
  });
});

describe('fetch', () => {
  it('begins where the partition begins, which need not be offset 0', async () => {
    const { broker, cli } = await startLog(1);
    await cli(['produce', 'orders', '--partition', '0'], { stdin: input('a\nb\nc\n') });
    broker.script.listOffsets = ({ at }) => ({
      offset: at === OffsetPosition.EARLIEST ? 2 : 3,
      term: 1,
    });
    expect((await cli(['fetch', 'orders', '0'])).stdout).toBe('2\t\\N\tc\n');
    expect((await cli(['fetch', 'orders', '0', '--offset', 'latest'])).stdout).toBe('');
    expect((await cli(['fetch', 'orders', '0', '--offset', 'last'])).exitCode).toBe(EXIT_CODE.usage);
  });

  it('reads to the high watermark; tabs and line ends in values are escaped', async () => {
    const { cli } = await startLog(1);
    await cli(['produce', 'orders', '--partition', '0', '--key-delimiter', '='], {
      stdin: input('k=a\tb\nc\\d\ne\n'),
    });
    expect((await cli(['fetch', 'orders', '0'])).stdout).toBe('0\tk\ta\\tb\n1\t\\N\tc\\\\d\n2\t\\N\te\n');
  });

  it('prints one JSON document, bytes that are no UTF-8 as base64', async () => {
    const { logs, cli } = await startLog(1);
    logs[0]?.push(
      { offset: 0, key: undefined, value: undefined, headers: [], timestampMs: 1 },
      {
        offset: 1,
        key: Buffer.from('ü'),
        value: new Uint8Array([0xff]),
        headers: [{ key: 'h', value: undefined }],
        timestampMs: 2,
      },
    );
    expect(JSON.parse((await cli(['fetch', 'orders', '0', '--output', 'json'])).stdout)).toEqual({
      records: [
        { offset: 0, key: null, value: null, headers: [], timestamp_ms: 1 },
        {
          offset: 1,
          key: 'ü',
          value: { base64: '/w==' },
          headers: [{ key: 'h', value: null }],
          timestamp_ms: 2,
        },
      ],
      high_watermark: 2,
      log_start_offset: 0,
      next_offset: 2,
    });
  });

  it('begins at --offset and ends after --count', async () => {
    const { cli } = await startLog(1);
    await cli(['produce', 'orders', '--partition', '0'], { stdin: input('a\nb\nc\nd\ne\n') });
    const { stdout } = await cli(['fetch', 'orders', '0', '--offset', '1', '--count', '3']);
    expect(stdout).toBe('1\t\\N\tb\n2\t\\N\tc\n3\t\\N\td\n');
  });

  it('--follow goes on reading what is appended', async () => {
    const { logs, broker, cli } = await startLog(1);
    const { fetch } = broker.script;
    broker.script.fetch = (request) => {
      // One more record for every call, so that the reader is always at the end.
      const offset = logs[0]?.length ?? 0;
      logs[0]?.push({
        offset,
        key: undefined,
        value: Buffer.from(`v${offset}`),
        headers: [],
        timestampMs: 0,
      });
      return fetch === undefined ? fail('INTERNAL') : fetch(request);
    };
    const { stdout } = await cli(['fetch', 'orders', '0', '--follow', '--count', '3', '--output', 'json']);
    const values = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { value: string }).value);
    expect(values).toEqual(['v0', 'v1', 'v2']);
  });

  it('--follow ends quietly when the reader of the output goes away', async () => {
    const { cli } = await startLog(1);
    await cli(['produce', 'orders', '--partition', '0'], { stdin: input('a\nb\nc\n') });
    const { exitCode, stderr } = await cli(['fetch', 'orders', '0', '--follow'], { stdoutCharsMax: 14 });
    expect([exitCode, stderr]).toEqual([EXIT_CODE.done, '']);
  });
});
