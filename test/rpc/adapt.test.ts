import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata, type ServerUnaryCall, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { PartitionServiceServer } from '../../gen/bellwether/v1/partition_service.js';
import { BellwetherError } from '../../src/errors.js';
import { adaptUnary, type CallContext, type ServiceHandlers } from '../../src/rpc/adapt.js';
import { fromServiceError } from '../../src/wire/status.js';
import { deferred, echo, serve, type TestService } from './test-service.js';

type Handler = (request: string, context: CallContext) => Promise<string>;

let service: TestService | undefined;
let defects: unknown[] = [];

async function serveUnary(handler: Handler): Promise<TestService> {
  defects = [];
  service = await serve({ echo: adaptUnary(handler, { onDefect: (error) => defects.push(error) }) });
  return service;
}

/** Calls and returns the error; fails when the call succeeds. */
async function failureOf(client: TestService['client'], message = 'ping'): Promise<ServiceError> {
  return echo(client, message).answer.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => error as ServiceError,
  );
}

afterEach(() => {
  service?.stop();
  service = undefined;
});

describe('adaptUnary', () => {
  it('answers with what the handler returns', async () => {
    const { client } = await serveUnary(async (request) => Promise.resolve(`${request}!`));
    await expect(echo(client, 'hello').answer).resolves.toBe('hello!');
  });

  it('sends a BellwetherError with its code, reason and leader hint', async () => {
    const hint = { leader: 'broker-2', address: '127.0.0.1:9', term: 7 };
    const { client } = await serveUnary(() => {
      throw new BellwetherError('NOT_LEADER', 'broker-1 does not lead orders/0', { leaderHint: hint });
    });

    const error = await failureOf(client);

    expect(error.code).toBe(status.FAILED_PRECONDITION);
    expect(fromServiceError(error)).toMatchObject({ reason: 'NOT_LEADER', leaderHint: hint });
    expect(defects).toEqual([]);
  });

  it.each([
    ['a rejection', async () => Promise.reject(new TypeError('secret path'))],
    [
      'a synchronous throw',
      () => {
        throw new TypeError('secret path');
      },
    ],
  ] satisfies [string, Handler][])(
    'hides a defect from the client and reports it: %s',
    async (_, handler) => {
      const { client } = await serveUnary(handler);

      const error = await failureOf(client);

      expect(error.code).toBe(status.INTERNAL);
      expect(error.details).not.toContain('secret');
      expect(defects).toEqual([expect.objectContaining({ message: 'secret path' })]);
      expect(String((defects[0] as Error).stack)).toContain('adapt.test');
    },
  );

  it('aborts the signal when the client cancels, and then answers no more', async () => {
    const started = deferred<AbortSignal>();
    const aborted = deferred<undefined>();
    const { client } = await serveUnary(async (_, { signal }) => {
      started.resolve(signal);
      await once(signal, 'abort');
      aborted.resolve(undefined);
      throw new BellwetherError('NO_LEADER', 'too late');
    });

    const call = echo(client, 'ping');
    const signal = await started.promise;
    call.cancel();

    await expect(call.answer).rejects.toMatchObject({ code: status.CANCELLED });
    await aborted.promise;
    expect(signal.aborted).toBe(true);
    expect(defects).toEqual([]);
  });

  it('hands grpc-js no answer once the call is cancelled', async () => {
    const call = Object.assign(new EventEmitter(), {
      request: 'ping',
      metadata: new Metadata(),
      getPeer: () => 'peer',
      getDeadline: () => Infinity,
    });
    const answers: unknown[] = [];
    const handler = adaptUnary(async (_: string, { signal }) => once(signal, 'abort').then(() => 'late'), {
      onDefect: (error) => answers.push(error),
    });

    handler(call as unknown as ServerUnaryCall<string, string>, (...answer) => answers.push(answer));
    call.emit('cancelled');
    await new Promise(setImmediate);

    expect(answers).toEqual([]);
  });

  it('aborts the signal at the deadline, and the wait that this ends is no defect', async () => {
    const reason = deferred<unknown>();
    const { client } = await serveUnary(async (_, { signal }) => {
      await sleep(60_000, undefined, { signal }).catch((error: unknown) => {
        reason.resolve(error);
        throw error;
      });
      return 'never';
    });

    const call = echo(client, 'ping', { deadline: Date.now() + 50 });

    await expect(call.answer).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await expect(reason.promise).resolves.toMatchObject({ name: 'AbortError' });
    expect(defects).toEqual([]);
  });

  it('does not abort the signal of a call that was answered', async () => {
    const signals: AbortSignal[] = [];
    const { client } = await serveUnary(async (request, { signal }) => {
      signals.push(signal);
      return Promise.resolve(request);
    });

    await echo(client, 'first').answer;
    await echo(client, 'second').answer;

    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  });

  it('reports a defect that comes after a cancel, though nobody waits for the answer', async () => {
    const started = deferred<undefined>();
    const reported = deferred<unknown>();
    service = await serve({
      echo: adaptUnary(
        async (_: string, { signal }) => {
          started.resolve(undefined);
          await once(signal, 'abort');
          throw new TypeError('defect');
        },
        { onDefect: reported.resolve },
      ),
    });

    const call = echo(service.client, 'ping');
    await started.promise;
    call.cancel();

    await expect(call.answer).rejects.toMatchObject({ code: status.CANCELLED });
    await expect(reported.promise).resolves.toMatchObject({ message: 'defect' });
  });

  it('tells the handler its deadline in milliseconds since the epoch', async () => {
    const { client } = await serveUnary(async (_, context) =>
      Promise.resolve(JSON.stringify({ at: context.deadlineMs, left: context.remainingMs() })),
    );
    const deadline = Date.now() + 30_000;

    const { at, left } = JSON.parse((await echo(client, 'ping', { deadline }).answer) ?? '') as {
      at: number;
      left: number;
    };

    expect(Math.abs(at - deadline)).toBeLessThan(1_000);
    expect(left).toBeGreaterThan(25_000);
    expect(left).toBeLessThanOrEqual(30_000);
  });

  it('knows no deadline when the client set none', async () => {
    const { client } = await serveUnary(async (_, context) =>
      Promise.resolve(`${String(context.deadlineMs)} ${String(context.remainingMs())}`),
    );
    await expect(echo(client, 'ping').answer).resolves.toBe('Infinity Infinity');
  });
});

describe('ServiceHandlers', () => {
  it('does not let a misspelt method compile', () => {
    const handlers = {
      partitionLeader: () => undefined,
      partitionFailover: () => undefined,
      watchLeadership: () => undefined,
      listFailovers: () => undefined,
      explainLeader: () => undefined,
    } satisfies ServiceHandlers<PartitionServiceServer>;
    const misspelt = {
      partitionLeader: () => undefined,
      // @ts-expect-error -- the generated type alone would accept it
      partitionFialover: () => undefined,
    } satisfies Partial<ServiceHandlers<PartitionServiceServer>>;
    expect(Object.keys(handlers)).not.toEqual(Object.keys(misspelt));
  });
});
