import { describe, expect, it } from 'vitest';
import { MessageQueue } from '../../src/bridge/message-queue.js';
import { deferred, turn } from './harness.js';

describe('MessageQueue', () => {
  it('runs messages of one source one after the other, of different sources at once', async () => {
    const queue = new MessageQueue(8);
    const started: string[] = [];
    const first = deferred();
    void queue.add('a', 'a1', () => {
      started.push('a1');
      return first.promise;
    });
    for (const label of ['a2', 'b1']) {
      void queue.add(label.slice(0, 1), label, () => {
        started.push(label);
        return Promise.resolve();
      });
    }
    await turn();
    expect(started).toEqual(['a1', 'b1']);
    expect(queue.labels).toEqual(['a1', 'a2']);
    first.resolve();
    await queue.isIdle();
    expect(started).toEqual(['a1', 'b1', 'a2']);
  });

  it('keeps the order of a source whose earlier messages have finished', async () => {
    const queue = new MessageQueue(8);
    const second = deferred();
    let hasStarted = false;
    void queue.add('a', 'a1', () => Promise.resolve());
    void queue.add('a', 'a2', () => second.promise);
    await turn();
    void queue.add('a', 'a3', () => {
      hasStarted = true;
      return Promise.resolve();
    });
    await turn();
    expect(hasStarted).toBe(false);
    second.resolve();
    await queue.isIdle();
    expect(hasStarted).toBe(true);
  });

  it('lets messages of every source wait for a barrier before them', async () => {
    const queue = new MessageQueue(8);
    const barrier = deferred();
    let hasStarted = false;
    void queue.addBarrier('a', 'init', () => barrier.promise);
    const later = queue.add('b', 'later', () => {
      hasStarted = true;
      return Promise.resolve();
    });
    await turn();
    expect(hasStarted).toBe(false);
    barrier.resolve();
    await later;
    expect(hasStarted).toBe(true);
  });

  it('has room again when one of the most allowed has finished', async () => {
    const queue = new MessageQueue(2);
    const tasks = [deferred(), deferred()];
    tasks.forEach((task, index) => void queue.add(String(index), 'x', () => task.promise));
    let hasRoom = false;
    const room = queue.hasRoom().then(() => {
      hasRoom = true;
    });
    await turn();
    expect(hasRoom).toBe(false);
    tasks[1]?.resolve();
    await room;
    expect(queue.labels).toHaveLength(1);
  });
});
