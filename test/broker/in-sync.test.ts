import { describe, expect, it } from 'vitest';
import { InSyncReplicas } from '../../src/broker/in-sync.js';
import { LIMITS } from '../../src/broker/limits.js';
import { ENTRY_KIND } from '../../src/raft/types.js';
import { Replica } from './replica.js';

const LAG_MS = LIMITS.replicaLagMsMax;

class Rig extends Replica {
  readonly replicas = new InSyncReplicas();

  observe(): readonly string[] {
    return this.replicas.observe(this.raft, this.id, this.nowMs);
  }

  append(): void {
    this.host.propose(ENTRY_KIND.RECORD_BATCH, new Uint8Array(1));
    this.pump();
  }

  pass(ms: number): void {
    this.clock.advance(ms);
  }
}

function led(): Rig {
  const rig = new Rig();
  rig.lead();
  rig.ack('n3');
  return rig;
}

describe('InSyncReplicas', () => {
  it('holds the leader and every follower that is level, in preference order', () => {
    expect(led().observe()).toEqual(['n1', 'n2', 'n3']);
  });

  it('leaves a follower out that has never been level', () => {
    const rig = new Rig();
    rig.lead();
    expect(rig.observe()).toEqual(['n1', 'n2']);
    rig.ack('n3');
    expect(rig.observe()).toEqual(['n1', 'n2', 'n3']);
  });

  it('keeps a follower that is always a little behind, as under load', () => {
    const rig = led();
    rig.observe();
    for (let i = 0; i < 50; i++) {
      const behind = rig.raft.lastIndex;
      rig.append();
      rig.pass(LAG_MS / 10);
      for (const peer of ['n2', 'n3']) rig.ack(peer, behind);
      expect(rig.observe()).toEqual(['n1', 'n2', 'n3']);
    }
  });

  it('drops a follower that has not been level within the lag, and takes it back when it is', () => {
    const rig = led();
    rig.observe();
    rig.append();
    rig.ack('n2');
    rig.observe();
    rig.pass(LAG_MS);
    rig.append();
    rig.ack('n2');
    expect(rig.observe()).toEqual(['n1', 'n2', 'n3']);
    rig.pass(1);
    expect(rig.observe()).toEqual(['n1', 'n2']);
    rig.ack('n3');
    expect(rig.observe()).toEqual(['n1', 'n2', 'n3']);
  });

  it('keeps level followers when the first write comes after a long silence', () => {
    const rig = led();
    rig.observe();
    rig.pass(100 * LAG_MS);
    rig.append();
    expect(rig.observe()).toEqual(['n1', 'n2', 'n3']);
  });

  it('drops a follower at once that is not heard from, and asks it to be level again', () => {
    const rig = led();
    rig.observe();
    rig.raft.peerDown(rig.nowMs, 'n3');
    expect(rig.observe()).toEqual(['n1', 'n2']);
    rig.append();
    rig.ack('n2');
    rig.raft.peerUp(rig.nowMs, 'n3');
    rig.pump();
    expect(rig.observe()).toEqual(['n1', 'n2']);
    rig.ack('n3');
    expect(rig.observe()).toEqual(['n1', 'n2', 'n3']);
  });
});
