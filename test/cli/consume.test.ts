/** `consume`, against a fake broker that keeps what it gets. */
import { describe, expect, it } from 'vitest';
import { EXIT_CODE } from '../../src/cli/main.js';
import { batchAt, compressed, fail, FETCHED } from '../client/harness.js';
import { startLog, text } from './fake-log.js';
import { input } from './run.js';

/** Three partitions: k1=a, k1=c in one, k2=b in another, and a record without a key. */
async function startOrders() {
  const log = await startLog(3);
  const lines: readonly (readonly [string, string])[] = [
    ['0', 'k1=a\nk1=c\n'],
    ['2', 'k2=b\n'],
    ['1', '\n'],
  ];
  for (const [partition, text] of lines) {
    await log.cli(['produce', 'orders', '-p', partition, '-K', '=', '-Z'], { stdin: input(text) });
  }
  return log;
}

const sorted = (text: string): string[] => text.trimEnd().split('\n').sort();

describe('consume', () => {
  it('-e prints all partitions to the end that they had, and counts exactly', async () => {
    const { cli } = await startOrders();
    const { exitCode, stdout, stderr } = await cli(['consume', 'orders', '-e']);
    expect(sorted(stdout)).toEqual(['', 'a', 'b', 'c']);
    expect([exitCode, stderr]).toEqual([EXIT_CODE.done, '4 records (9 bytes) consumed\n']);
  });

  it('-f prints what kcat prints', async () => {
    const { logs, cli } = await startOrders();
    const headers = [
      { key: 'h', value: Buffer.from('1') },
      { key: 'i', value: undefined },
    ];
    logs[0]?.splice(0, 1, { ...logs[0][0]!, headers, timestampMs: 12 });
    const format = '%t[%p]@%o\\t%k=%s %K/%S %T %h 100%%\\x21\\n';
    const ask = (...flags: string[]) => cli(['consume', 'orders', '-e', '-c', '1', '-f', format, ...flags]);
    expect((await ask('-p', '0')).stdout).toBe('orders[0]@0\tk1=a 2/1 12 h=1,i= 100%!\n');
    expect((await ask('-p', '1')).stdout).toMatch(/^orders\[1\]@0\t= -1\/-1 \d+ {2}100%!\n$/);
    expect((await ask('-p', '1', '-Z')).stdout).toContain('NULL=NULL -1/-1');
  });

  it('prints bytes as they are', async () => {
    const { logs, cli } = await startLog(1);
    const value = new Uint8Array([0xff, 0]);
    logs[0]?.push({ offset: 0, key: undefined, value, headers: [], timestampMs: 0 });
    const written: number[] = [];
    await cli(['consume', 'orders', '-e'], { onStdout: (bytes) => written.push(...bytes) });
    expect(written).toEqual([0xff, 0, 10]);
  });

  it('reads compressed batches, and so does fetch', async () => {
    const { broker, logs, cli } = await startLog(1);
    const records = ['a', 'b'].map((value, offset) => {
      return { offset, key: undefined, value: Buffer.from(value), headers: [], timestampMs: 0 };
    });
    logs[0]?.push(...records);
    broker.script.fetch = ({ offset }) => {
      const recordBatches = offset === 2 ? [] : [compressed(batchAt(0, records))];
      return { ...FETCHED, recordBatches, highWatermark: 2, nextOffset: 2 };
    };
    expect((await cli(['consume', 'orders', '-e', '-o', '1'])).stdout).toBe('b\n');
    expect((await cli(['fetch', 'orders', '0'])).stdout).toBe('0\t\\N\ta\n1\t\\N\tb\n');
  });

  it('reads each batch once, though an answer ends within one, and so does fetch', async () => {
    const { broker, logs, cli } = await startLog(1);
    const [each, count] = [3_000, 18_000];
    const records = Array.from({ length: count }, (_, offset) => {
      return { offset, key: undefined, value: Buffer.from('.'), headers: [], timestampMs: 0 };
    });
    logs[0]?.push(...records);
    const batches: Uint8Array[] = [];
    for (let base = 0; base < count; base += each) {
      batches.push(compressed(batchAt(base, records.slice(base, base + each))));
    }
    const asked: number[] = [];
    // As a broker: whole batches, up to the one with the last record asked for.
    broker.script.fetch = ({ offset, maxRecords }) => {
      asked.push(offset);
      const behind = Math.min(batches.length, Math.ceil((offset + maxRecords) / each));
      const recordBatches = batches.slice(Math.floor(offset / each), behind);
      return { ...FETCHED, recordBatches, highWatermark: count, nextOffset: behind * each };
    };
    const { stdout, stderr } = await cli(['consume', 'orders', '-c', '17000', '-f', '%s']);
    expect([stdout.length, stderr]).toEqual([17_000, '17000 records (17000 bytes) consumed\n']);
    expect((await cli(['consume', 'orders', '-e', '-o', '100', '-f', '%s'])).stdout.length).toBe(17_900);
    const fetched = await cli(['fetch', 'orders', '0', '--count', '17000', '--output', 'json']);
    const next = { records: expect.objectContaining({ length: 17_000 }) as unknown, next_offset: 17_000 };
    expect(JSON.parse(fetched.stdout)).toMatchObject(next);
    expect(asked).toEqual([0, 12_000, 100, 12_000, 0, 12_000]);
  });

  it('-K prints key and value apart; -J prints kcat -J', async () => {
    const { cli } = await startOrders();
    expect((await cli(['consume', 'orders', '-e', '-p', '0', '-K', ': '])).stdout).toBe('k1: a\nk1: c\n');
    for (const flags of [['-J'], ['--output', 'json']]) {
      const { stdout } = await cli(['consume', 'orders', '-e', '-p', '2', ...flags]);
      expect(JSON.parse(stdout)).toEqual({
        topic: 'orders',
        partition: 2,
        offset: 0,
        tstype: 'create',
        ts: expect.any(Number),
        key: 'k2',
        payload: 'b',
      });
    }
  });

  it.each([
    [String.raw`\t`, '\t'],
    [String.raw`\x1f\0`, '\u001f\0'],
    [String.raw`\\`, '\\'],
  ])('-K %s of produce and consume is an escape, as in -f', async (flag, bytes) => {
    const { logs, cli } = await startLog(1);
    const stdin = input(`key${bytes}value\n`);
    await cli(['produce', 'orders', '-p', '0', '-K', flag], { stdin });
    expect([text(logs[0]?.[0]?.key), text(logs[0]?.[0]?.value)]).toEqual(['key', 'value']);
    const { stdout } = await cli(['consume', 'orders', '-e', '-K', flag]);
    expect(stdout).toBe(`key${bytes}value\n`);
  });

  it.each(['produce', 'consume'])(
    '%s refuses a delimiter with an escape that is unknown',
    async (command) => {
      const { cli } = await startLog(1);
      const { exitCode, stderr } = await cli([command, 'orders', '-K', String.raw`\q`]);
      expect(exitCode).toBe(EXIT_CODE.usage);
      expect(stderr).toContain('--key-delimiter');
    },
  );

  it('an offset beyond the end is refused, with -e too', async () => {
    const { cli } = await startOrders();
    const { exitCode, stdout, stderr } = await cli(['consume', 'orders', '-p', '0', '-e', '-o', '3000']);
    expect([exitCode, stdout]).toEqual([EXIT_CODE.failed, '']);
    expect(stderr).toContain('bellwether: OFFSET_OUT_OF_RANGE: offset 3000 of orders/0 is not in [0, 2]');
  });

  it('-o N -e begins at the end where N is the end', async () => {
    const { cli } = await startOrders();
    const { exitCode, stdout } = await cli(['consume', 'orders', '-p', '0', '-e', '-o', '2']);
    expect([exitCode, stdout]).toEqual([EXIT_CODE.done, '']);
  });

  it.each([
    ['beginning', 'a c'],
    ['end', ''],
    ['1', 'c'],
    ['-1', 'c'],
    ['-2', 'a c'],
    ['-9', 'a c'],
  ])('-o %s begins there', async (where, values) => {
    const { cli } = await startOrders();
    const { stdout } = await cli(['consume', 'orders', '-p', '0', '-e', '-o', where, '-f', '%s ']);
    expect(stdout.trimEnd()).toBe(values);
  });

  it.each([
    ['@0', 'a b c'],
    ['@1700000000001', 'b c'],
    ['s@1700000000001', 'b c'],
    ['@2023-11-14T22:13:20.002Z', 'c'],
    ['@2023-11-14T23:13:20.002+01:00', 'c'],
    ['@2023-11-15', ''],
  ])(
    '-o %s begins with the first record since then, and at the end when there is none',
    async (at, values) => {
      const { logs, cli } = await startLog(1);
      ['a', 'b', 'c'].forEach((value, i) => {
        const timestampMs = 1_700_000_000_000 + i;
        logs[0]?.push({ offset: i, key: undefined, value: Buffer.from(value), headers: [], timestampMs });
      });
      const { stdout } = await cli(['consume', 'orders', '-e', '-o', at, '-f', '%s ']);
      expect(stdout.trimEnd()).toBe(values);
    },
  );

  it('-c ends after so many, of whichever partition, and the count is exact', async () => {
    const { cli } = await startOrders();
    const { stdout, stderr } = await cli(['consume', 'orders', '-c', '3', '-f', '.']);
    expect([stdout, stderr.split(' (')[0]]).toEqual(['...', '3 records']);
  });

  it('goes on until it has as many as were asked for, though they are appended later', async () => {
    const { logs, broker, cli } = await startLog(1);
    const { fetch } = broker.script;
    broker.script.fetch = (request) => {
      const offset = logs[0]?.length ?? 0;
      const value = Buffer.from(`v${offset}`);
      logs[0]?.push({ offset, key: undefined, value, headers: [], timestampMs: 0 });
      return fetch === undefined ? fail('INTERNAL') : fetch(request);
    };
    expect((await cli(['consume', 'orders', '-o', 'end', '-c', '3'])).stdout).toBe('v0\nv1\nv2\n');
  });

  it('reads more partitions than it asks at once', async () => {
    const { logs, cli } = await startLog(50);
    logs.forEach((log, partition) => {
      const value = Buffer.from(String(partition));
      log.push({ offset: 0, key: undefined, value, headers: [], timestampMs: 0 });
    });
    const { stdout } = await cli(['consume', 'orders', '-e']);
    expect(new Set(sorted(stdout)).size).toBe(50);
  });

  it('ends quietly when the reader of the output goes away', async () => {
    const { cli } = await startOrders();
    const { exitCode, stderr } = await cli(['consume', 'orders', '-p', '0'], { stdoutCharsMax: 2 });
    expect([exitCode, stderr]).toEqual([EXIT_CODE.done, '']);
  });

  it('says how far it came before it failed', async () => {
    const { broker, cli } = await startOrders();
    const { fetch } = broker.script;
    broker.script.fetch = (request) =>
      request.offset === 0 && fetch !== undefined
        ? fetch({ ...request, maxRecords: 1 })
        : fail('STORAGE_CORRUPT');
    const { exitCode, stdout, stderr } = await cli(['consume', 'orders', '-p', '0']);
    expect([exitCode, stdout]).toEqual([EXIT_CODE.failed, 'a\n']);
    expect(stderr).toMatch(/^1 record \(3 bytes\) consumed before it failed\nbellwether: STORAGE_CORRUPT/);
  });

  it.each([
    [['-f', '%q'], '"%q" is unknown'],
    [['-f', 'a\\q'], '"\\q" is unknown'],
    [['-o', 'middle'], '"beginning", "end"'],
    [['-o', '@yesterday'], 'milliseconds since 1970'],
    [['-o', '@2023-11-14T22:13:20'], 'milliseconds since 1970'],
    [['-o', '@2023-13-14'], 'milliseconds since 1970'],
    [['-J', '-f', '%s'], 'exclude each other'],
  ])('refuses %j', async (flags, message) => {
    const { cli } = await startLog(1);
    const { exitCode, stderr } = await cli(['consume', 'orders', ...flags]);
    expect(exitCode).toBe(EXIT_CODE.usage);
    expect(stderr).toContain(message);
  });
});
