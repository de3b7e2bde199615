/** Configuration: everything that is wrong is named at once, by its flag. */

import { describe, expect, it } from 'vitest';
import {
  addressProblem,
  bootstrapBrokers,
  logLevel,
  parseBrokerConfig,
  splitAddress,
} from '../src/config.js';
import { BellwetherError } from '../src/errors.js';

const GOOD = {
  id: 'n1',
  listen: '127.0.0.1:7001',
  peerListen: '127.0.0.1:7101',
  peers: 'n1=127.0.0.1:7101, n2=127.0.0.1:7102,n3=[::1]:7103',
  data: 'data',
};

function refusal(change: Record<string, unknown>): BellwetherError {
  try {
    parseBrokerConfig({ ...GOOD, ...change });
  } catch (error) {
    if (error instanceof BellwetherError) return error;
  }
  throw new Error('it was accepted');
}

describe('the settings of a broker', () => {
  it('keep the order of the peers, which is a preference, and fill in the defaults', () => {
    const config = parseBrokerConfig(GOOD);
    expect([...config.peers]).toEqual([
      ['n1', '127.0.0.1:7101'],
      ['n2', '127.0.0.1:7102'],
      ['n3', '[::1]:7103'],
    ]);
    expect(config).toMatchObject({ cluster: 'bellwether', rack: '', advertise: undefined });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('of a broker that joins need not name it among the peers, but may', () => {
    for (const peers of ['n2=a:1', 'n1=a:1,n2=a:2']) {
      expect(parseBrokerConfig({ ...GOOD, peers, join: true }).join).toBe(true);
    }
    expect(parseBrokerConfig(GOOD).join).toBe(false);
  });

  it.each([
    [{ id: '' }, '--id'],
    [{ id: 'white space' }, '--id'],
    [{ listen: 'nowhere' }, '--listen'],
    [{ peerListen: '127.0.0.1:70000' }, '--peer-listen'],
    [{ advertise: ':1' }, '--advertise'],
    [{ peers: 'n1' }, '--peers'],
    [{ peers: 'n1=a:1,n1=b:2' }, '--peers'],
    [{ peers: 'n2=a:1' }, '--peers'],
    [{ peers: Array.from({ length: 8 }, (_, i) => `n${i}=h:1`).join(',') }, '--peers'],
    [{ peers: 'n1=a:1', join: true }, '--peers'],
    [{ data: '' }, '--data'],
    [{ rack: 'r'.repeat(65) }, '--rack'],
    [{ cluster: 'a/b' }, '--cluster'],
    [{ leaderBalance: 'maybe' }, '--leader-balance'],
    [{ leaderBalanceCoolDownMs: '-1' }, '--leader-balance-cool-down-ms'],
    [{ leaderBalanceCoolDownMs: '3600001' }, '--leader-balance-cool-down-ms'],
  ])('are refused with the flag named: %j', (change, flag) => {
    const error = refusal(change);
    expect(error.reason).toBe('INVALID_REQUEST');
    expect(error.message).toContain(flag);
  });

  it('are all checked before anything is reported', () => {
    const { message } = refusal({ listen: 'x', peerListen: 'y', id: '?' });
    for (const flag of ['--id', '--listen', '--peer-listen']) expect(message).toContain(flag);
  });
});

describe('the leader balance', () => {
  const of = (flags: Record<string, string>, environment: Record<string, string> = {}) =>
    parseBrokerConfig({ ...GOOD, ...flags }, environment).leaderBalance;

  it('is on, after a minute, unless a flag says otherwise, or else the environment', () => {
    const environment = {
      BELLWETHER_LEADER_BALANCE: 'off',
      BELLWETHER_LEADER_BALANCE_COOL_DOWN_MS: '500',
    };
    expect(of({})).toEqual({ on: true, coolDownMs: 60_000 });
    expect(of({}, environment)).toEqual({ on: false, coolDownMs: 500 });
    expect(of({ leaderBalance: 'on', leaderBalanceCoolDownMs: '0' }, environment)).toEqual({
      on: true,
      coolDownMs: 0,
    });
  });

  it('names the variable that is wrong', () => {
    expect(() => of({}, { BELLWETHER_LEADER_BALANCE: 'no' })).toThrow('BELLWETHER_LEADER_BALANCE');
  });
});

describe('the brokers to ask first', () => {
  it('are the flag, else the environment, else the local cluster', () => {
    const environment = { BELLWETHER_BOOTSTRAP: 'a:1, b:2' };
    expect(bootstrapBrokers('c:3', environment)).toEqual(['c:3']);
    expect(bootstrapBrokers(undefined, environment)).toEqual(['a:1', 'b:2']);
    expect(bootstrapBrokers(undefined, {})).toEqual(['127.0.0.1:7001', '127.0.0.1:7002', '127.0.0.1:7003']);
  });
});

describe('the log level', () => {
  it('is info unless the environment names another one that exists', () => {
    expect(logLevel({ BELLWETHER_LOG: 'debug' })).toBe('debug');
    expect(logLevel({ BELLWETHER_LOG: 'loud' })).toBe('info');
    expect(logLevel({})).toBe('info');
  });
});

describe('addresses', () => {
  it.each(['127.0.0.1:0', 'host:65535', '[::1]:1'])('%s is one', (address) => {
    expect(addressProblem(address)).toBeUndefined();
  });
  it.each([
    '',
    ':1',
    'http://127.0.0.1:7001',
    '::1:7001',
    'a b:1',
    'host',
    'host:',
    'host:65536',
    'host:-1',
    'host:1x',
  ])('%j is none', (address) => {
    expect(addressProblem(address)).toBeDefined();
  });
  it('are split at the last colon', () => {
    expect(splitAddress('[::1]:7001')).toEqual({ host: '[::1]', port: 7001 });
  });
});
