/** Commands that explain leadership, against a fake broker over real gRPC. */
import { describe, expect, it } from 'vitest';
import { LeadershipCause } from '../../gen/bellwether/v1/leadership.js';
import { LeadershipObstacle } from '../../gen/bellwether/v1/partition_service.js';
import type {
  ListFailoversRequest,
  WatchLeadershipRequest,
} from '../../gen/bellwether/v1/partition_service.js';
import { EXIT_CODE } from '../../src/cli/main.js';
import { change, changed, position, withFirstWrite } from '../client/changes.js';
import type { Script } from '../client/fake-broker.js';
import { never } from '../client/fake-broker.js';
import { fail, startBroker } from '../client/harness.js';
import { run } from './run.js';
import type { Surroundings } from './run.js';

async function cli(script: Script, args: readonly string[], surroundings?: Surroundings) {
  const broker = await startBroker(script);
  return run([...args, '--bootstrap', broker.address], surroundings);
}

const REQUESTED = change(8, {
  cause: LeadershipCause.REQUESTED,
  leader: 'n1',
  previousLeader: 'n2',
  term: 5,
  previousTerm: 4,
  timeline: { electMs: 4, commitMs: 3.25, blockedMs: 9.75, firstWriteMs: 1 },
});

const DOCUMENT = {
  sequence: 7,
  topic: 'orders',
  partition: 0,
  leader: 'n2',
  term: 4,
  previous_leader: 'n1',
  previous_term: 3,
  cause: 'CONNECTION_LOST',
  changed_at_ms: 1_700_000_000_123,
  timeline: {
    detect_ms: 3.125,
    elect_ms: 6,
    commit_ms: 5.063,
    total_ms: 14.188,
    blocked_ms: null,
    first_write_ms: null,
  },
};

const ROW = '2023-11-14T22:13:20.123Z\torders/0\tn1\tn2\t4\tconnection lost\t3.1\t6.0\t5.1\t14.2\t\\N\t\\N\n';

const SENTENCE =
  '2023-11-14T22:13:20.123Z  orders/0: n1 -> n2, term 4, 14.2 ms: the connection to n1 broke, ' +
  'noticed after 3.1 ms; elected 6.0 ms later; first commit 5.1 ms later\n';

describe('failovers', () => {
  const script = { listFailovers: () => ({ failovers: [REQUESTED, change(7)] }) };

  it('prints a line for each with the phases, the newest first', async () => {
    const { exitCode, stdout, stderr } = await cli(script, ['failovers']);
    expect([exitCode, stderr]).toEqual([EXIT_CODE.done, '']);
    expect(stdout).toBe(
      `2023-11-14T22:13:20.123Z\torders/0\tn2\tn1\t5\trequested\t\\N\t4.0\t3.3\t7.3\t9.8\t1.0\n${ROW}`,
    );
  });

  it('draws a table for people that fits into the 132 columns of a wide terminal', async () => {
    const silent = change(7, { cause: LeadershipCause.HEARTBEAT_MISSED });
    const listFailovers = () => ({ failovers: [REQUESTED, silent] });
    const { stdout } = await cli({ listFailovers }, ['failovers'], { isTty: true });
    expect(stdout).toMatch(/│ heartbeat missed │ 3\.1 +│ 6\.0 +│ 5\.1 +│ 14\.2 +│ - +│ - +│/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(132);
  });

  it('with --details says a sentence about each, into a pipe too', async () => {
    const { stdout } = await cli(script, ['failovers', '--details']);
    expect(stdout).toBe(
      '2023-11-14T22:13:20.123Z  orders/0: n2 -> n1, term 5, writes refused for 9.8 ms: somebody asked for it; ' +
        `elected 4.0 ms after the order; first commit 3.3 ms later; first write acknowledged 1.0 ms later\n${SENTENCE}`,
    );
  });

  it.each([[[]], [['--details']]])('prints the documented JSON with %j', async (flags) => {
    const listFailovers = () => ({ failovers: [change(7)] });
    const { stdout } = await cli({ listFailovers }, ['failovers', ...flags, '--output', 'json']);
    expect(stdout).toBe(`${JSON.stringify({ failovers: [DOCUMENT] })}\n`);
  });

  it('asks for a topic, a partition and a limit', async () => {
    const requests: ListFailoversRequest[] = [];
    const broker = await startBroker({
      listFailovers: (request) => {
        requests.push(request);
        return { failovers: [] };
      },
    });
    for (const args of [[], ['orders'], ['orders', '2', '--limit', '5']]) {
      const { exitCode, stdout } = await run(['failovers', ...args, '--bootstrap', broker.address]);
      expect([exitCode, stdout]).toEqual([EXIT_CODE.done, '']);
    }
    expect(requests).toEqual([
      { topic: '', partition: undefined, limit: 0 },
      { topic: 'orders', partition: undefined, limit: 0 },
      { topic: 'orders', partition: 2, limit: 5 },
    ]);
  });

  it('says to people when there are none', async () => {
    const { stdout } = await cli({ listFailovers: () => ({ failovers: [] }) }, ['failovers'], {
      isTty: true,
    });
    expect(stdout).toBe('No failovers are on record.\n');
  });

  it('shows a cause of a newer broker as it is', async () => {
    const listFailovers = () => ({ failovers: [change(7, { cause: 99 as never })] });
    expect((await cli({ listFailovers }, ['failovers'])).stdout).toBe(
      ROW.replace('connection lost', 'CAUSE_99'),
    );
    const { stdout } = await cli({ listFailovers }, ['failovers', '--output', 'json']);
    expect(JSON.parse(stdout)).toEqual({ failovers: [{ ...DOCUMENT, cause: 'CAUSE_99' }] });
  });
});

describe('explain', () => {
  const { LAGGING, COOLING_DOWN } = LeadershipObstacle;
  const script: Script = {
    explainLeader: () => ({
      leader: 'n2',
      term: 4,
      preferredLeader: 'n1',
      summary: 'n2 leads in term 4; n1 is preferred and lags.',
      replicas: [
        { broker: 'n1', leads: false, obstacles: [LAGGING, COOLING_DOWN], lagEntries: 1, coolDownMs: 500 },
        { broker: 'n2', leads: true, obstacles: [], lagEntries: 0, coolDownMs: 0 },
        { broker: 'n10', leads: false, obstacles: [], lagEntries: 0, coolDownMs: 0 },
      ],
      changes: [change(7)],
    }),
  };

  it('tells people the answer, then what speaks for and against each replica, then how it came about', async () => {
    const { stdout } = await cli(script, ['explain', 'orders', '0'], { isTty: true });
    expect(stdout).toBe(
      [
        'orders/0: n2 leads in term 4; n1 is preferred and lags.',
        '',
        'Replicas, in order of preference:',
        '  n1   preferred; lags: lacks 1 entry; lost the lead a short while ago, left alone for 500.0 ms more',
        '  n2   leads',
        '  n10  could take over; lacks nothing',
        '',
        'How it came about, the newest first:',
        `  ${SENTENCE}`,
      ].join('\n'),
    );
  });

  it('prints lines that begin with what they are into a pipe', async () => {
    const { stdout } = await cli(script, ['explain', 'orders', '0']);
    expect(stdout).toBe(
      'leader\tn2\t4\tn1\tn2 leads in term 4; n1 is preferred and lags.\n' +
        'replica\tn1\tfalse\tLAGGING,COOLING_DOWN\t1\t500\n' +
        'replica\tn2\ttrue\t\t0\t0\n' +
        'replica\tn10\tfalse\t\t0\t0\n' +
        `change\t${ROW}`,
    );
  });

  it('prints the documented JSON', async () => {
    const { stdout } = await cli(script, ['explain', 'orders', '0', '--output', 'json']);
    const replica = { leads: false, obstacles: [], lag_entries: 0, cool_down_ms: 0 };
    expect(stdout).toBe(
      `${JSON.stringify({
        topic: 'orders',
        partition: 0,
        leader: 'n2',
        term: 4,
        preferred_leader: 'n1',
        summary: 'n2 leads in term 4; n1 is preferred and lags.',
        replicas: [
          {
            broker: 'n1',
            leads: false,
            obstacles: ['LAGGING', 'COOLING_DOWN'],
            lag_entries: 1,
            cool_down_ms: 500,
          },
          { broker: 'n2', ...replica, leads: true },
          { broker: 'n10', ...replica },
        ],
        changes: [DOCUMENT],
      })}\n`,
    );
  });
});

describe('watch', () => {
  const script: Script = {
    watchLeadership: async function* () {
      yield position(6);
      yield changed(7);
      yield withFirstWrite(7);
      yield changed(8);
      await never();
    },
  };
  const written = ROW.replace('14.2\t\\N\t\\N', '14.2\t\\N\t2.3');

  it('prints a line for each change, and again when its first write is known', async () => {
    const { exitCode, stdout, stderr } = await cli(script, ['watch', '--count', '2']);
    expect(stdout).toBe(`7\t${ROW}7\t${written}8\t${ROW}`);
    expect([exitCode, stderr]).toEqual([EXIT_CODE.done, 'watching, after sequence 6\n']);
  });

  it('prints sentences for people', async () => {
    const { stdout } = await cli(script, ['watch', '--count', '2'], { isTty: true });
    expect(stdout).toBe(
      SENTENCE +
        '2023-11-14T22:13:20.123Z  orders/0: n2, term 4: first write acknowledged 2.3 ms after the first commit\n' +
        SENTENCE,
    );
  });

  it('prints the documented JSON, one document a line', async () => {
    const { stdout } = await cli(script, ['watch', '--count', '1', '--output', 'json']);
    expect(stdout).toBe(`${JSON.stringify(DOCUMENT)}\n`);
  });

  it('sends its flags', async () => {
    const requests: WatchLeadershipRequest[] = [];
    const args = ['watch', '--topic', 'orders', '--topic', 'bills', '--after', '3', '--count', '1'];
    await cli(
      {
        watchLeadership: async function* (request) {
          requests.push(request);
          yield position(3);
          yield changed(4);
        },
      },
      args,
    );
    expect(requests).toEqual([{ topics: ['orders', 'bills'], afterSequence: 3 }]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends in order at %s', async (signal) => {
    const listeners = process.listenerCount(signal);
    const { exitCode, stdout } = await cli(
      {
        watchLeadership: async function* () {
          yield position(6);
          yield changed(7);
          process.emit(signal, signal);
          await never();
        },
      },
      ['watch'],
    );
    expect([exitCode, stdout === '' || stdout === `7\t${ROW}`]).toEqual([EXIT_CODE.done, true]);
    expect(process.listenerCount(signal)).toBe(listeners);
  });

  it('ends in order when nobody reads its output any more, as with head', async () => {
    const { exitCode, stdout } = await cli(script, ['watch'], { stdoutCharsMax: ROW.length + 2 });
    expect([exitCode, stdout]).toEqual([EXIT_CODE.done, `7\t${ROW}`]);
  });

  it('says what to do when the history does not go back so far', async () => {
    const { exitCode, stderr } = await cli({ watchLeadership: () => fail('HISTORY_TRIMMED') }, [
      'watch',
      '--after',
      '1',
    ]);
    expect(exitCode).toBe(EXIT_CODE.failed);
    expect(stderr).toContain('HISTORY_TRIMMED');
    expect(stderr).toContain('Watch on behind the position that the message names');
  });

  it.each([
    [7, 'the newest change so far is 7'],
    [0, 'there is no change yet'],
  ])('says so when it waits for what is far ahead of the newest change, %i', async (newest, text) => {
    const { stderr } = await cli(
      {
        watchLeadership: async function* () {
          yield position(100, newest);
          yield changed(101);
        },
      },
      ['watch', '--after', '100', '--count', '1'],
    );
    expect(stderr).toBe(`watching, after sequence 100: ${text}, and nothing is shown until 101\n`);
  });

  it('is no longer about where it begins at the newest change', async () => {
    const watchLeadership: Script['watchLeadership'] = async function* () {
      yield position(7, 7);
      yield changed(8);
    };
    const { stderr } = await cli({ watchLeadership }, ['watch', '--after', '7', '--count', '1']);
    expect(stderr).toBe('watching, after sequence 7\n');
  });
});
