/** A scripted broker: a real grpc-js server on a free port that answers the generated services. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { handleBidiStreamingCall, handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { AdminServiceService } from '../../gen/bellwether/v1/admin_service.js';
import { LogServiceService } from '../../gen/bellwether/v1/log_service.js';
import { MetadataServiceService } from '../../gen/bellwether/v1/metadata_service.js';
import { OffsetServiceService } from '../../gen/bellwether/v1/offset_service.js';
import { PartitionServiceService } from '../../gen/bellwether/v1/partition_service.js';
import { BellwetherError } from '../../src/errors.js';
import { serverOptions } from '../../src/wire/channel-options.js';
import { toServiceError } from '../../src/wire/status.js';

const SERVICES = [
  AdminServiceService,
  LogServiceService,
  MetadataServiceService,
  OffsetServiceService,
  PartitionServiceService,
] as const;

type Methods = typeof AdminServiceService &
  typeof LogServiceService &
  typeof MetadataServiceService &
  typeof OffsetServiceService &
  typeof PartitionServiceService;

type Request<Name extends keyof Methods> = Parameters<Methods[Name]['requestSerialize']>[0];
type Response<Name extends keyof Methods> = Parameters<Methods[Name]['responseSerialize']>[0];

/** What a method answers: one message, or one after the other. A stream ends in order when they end. */
type Answer<Name extends keyof Methods> = Methods[Name]['responseStream'] extends true
  ? AsyncIterable<Response<Name>>
  : Response<Name> | Promise<Response<Name>>;

/**
 * What the broker answers, by method. What it throws goes over the wire as brokers send it. Of a stream of requests
 * each is answered on its own, in order; a throw ends the stream.
 */
export type Script = {
  -readonly [Name in keyof Methods]?: Methods[Name]['requestStream'] extends true
    ? (request: Request<Name>) => Response<Name> | Promise<Response<Name>>
    : (request: Request<Name>) => Answer<Name>;
};

/** An answer that never comes. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** One running fake. */
export class FakeBroker {
  /** Replaceable at any time. */
  script: Script;
  /** Names of the methods called, in order. */
  readonly calls: (keyof Methods)[] = [];
  /** Streams that have ended, by their clients or by the script. */
  endedStreams = 0;
  readonly #server = new Server(serverOptions());
  #port = 0;

  private constructor(script: Script) {
    this.script = script;
    for (const service of SERVICES) {
      const names = Object.keys(service) as (keyof Methods)[]; // The keys of a generated service.
      const implementation: UntypedServiceImplementation = {};
      for (const name of names) {
        implementation[name] = isStream(service, name, 'requestStream')
          ? this.#duplexHandler(name)
          : isStream(service, name, 'responseStream')
            ? this.#streamHandler(name)
            : this.#handler(name);
      }
      this.#server.addService(service, implementation);
    }
  }

  /** Starts a broker on a free port, or on `port`. */
  static async start(script: Script = {}, port = 0): Promise<FakeBroker> {
    const broker = new FakeBroker(script);
    broker.#port = await new Promise<number>((resolve, reject) => {
      const bound = (error: Error | null, free: number) => (error === null ? resolve(free) : reject(error));
      broker.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), bound);
    });
    return broker;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  count(name: keyof Methods): number {
    return this.calls.filter((call) => call === name).length;
  }

  /** Ends at once, as a killed process does: calls in flight get no answer. */
  kill(): void {
    this.#server.forceShutdown();
  }

  /** As `kill`; resolves once no connection is left that could still answer. */
  killed(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.tryShutdown(() => resolve());
      this.#server.forceShutdown();
    });
  }

  #handler(name: keyof Methods): handleUnaryCall<unknown, unknown> {
    return (call, reply) => {
      this.calls.push(name);
      Promise.resolve()
        .then(() => this.#answer(name, call.request))
        .then(
          (response) => reply(null, response),
          (error: unknown) => reply(statusOf(error)),
        );
    };
  }

  /** Writes as fast as the client reads. */
  #streamHandler(name: keyof Methods): handleServerStreamingCall<unknown, unknown> {
    return (call) => {
      this.calls.push(name);
      const event = (occurrence: 'cancelled' | 'drain') =>
        new Promise((resolve) => call.once(occurrence, resolve));
      const cancelled = event('cancelled'); // Emitted after every call, also after one that ended in order.
      void cancelled.then(() => (this.endedStreams += 1));
      const send = async (): Promise<void> => {
        const messages = this.#answer(name, call.request) as AsyncIterable<unknown>; // By the type of Script.
        for await (const message of messages) {
          if (!call.write(message)) await Promise.race([event('drain'), cancelled]);
          if (call.cancelled) return;
        }
      };
      send().then(
        () => call.end(),
        (error: unknown) => call.emit('error', statusOf(error)),
      );
    };
  }

  /** Counts requests, not streams. */
  #duplexHandler(name: keyof Methods): handleBidiStreamingCall<unknown, unknown> {
    return (call) => {
      let answered = Promise.resolve();
      call.on('error', () => undefined);
      call.on('data', (request: unknown) => {
        this.calls.push(name);
        const answer = Promise.resolve().then(() => this.#answer(name, request));
        answered = answered
          .then(async () => {
            call.write(await answer);
          })
          .catch((error: unknown) => {
            call.emit('error', statusOf(error));
          });
      });
      call.on('end', () => {
        this.endedStreams += 1;
        void answered.then(() => call.end());
      });
    };
  }

  #answer(name: keyof Methods, request: unknown): unknown {
    // The generated codec of `name` made this request, so it is the one that the script expects.
    const answer = this.script[name] as ((request: unknown) => unknown) | undefined;
    if (answer === undefined) throw new BellwetherError('INTERNAL', `${name} is not in the script`);
    return answer(request);
  }
}

type Direction = 'requestStream' | 'responseStream';

function isStream(service: (typeof SERVICES)[number], name: keyof Methods, direction: Direction): boolean {
  const methods: Partial<Record<keyof Methods, Readonly<Record<Direction, boolean>>>> = service;
  return methods[name]?.[direction] === true;
}

function statusOf(error: unknown) {
  return error instanceof BellwetherError ? toServiceError(error) : { code: 2, details: String(error) };
}

/** A port on which nothing listens: it was free a moment ago. */
export async function refusedAddress(): Promise<string> {
  const broker = await FakeBroker.start();
  broker.kill();
  return broker.address;
}
