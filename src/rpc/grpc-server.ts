/** Owns one grpc-js server: its options, its listening address and its orderly end. */
import {
  type ServiceDefinition,
  type UntypedServiceImplementation,
  Server,
  ServerCredentials,
  type ServerOptions,
  setLogger,
} from '@grpc/grpc-js';
import { BellwetherError } from '../errors.js';
import { serverOptions } from '../wire/channel-options.js';
import type { ServiceHandlers } from './adapt.js';
import { openConnectionWindows, openStreamWindows, RECEIVE_WINDOW_BYTES } from './receive-window.js';

/** Options of `createGrpcServer`. */
export interface GrpcServerOptions {
  /** Default: those of `wire/channel-options.ts`. */
  readonly channelOptions?: ServerOptions;
  /** Receive window of a stream and of a connection in bytes. Default 4 MiB. */
  readonly receiveWindowBytes?: number;
  /** Given one line for each thing that works less well than it should. */
  readonly onWarning: (text: string) => void;
}

/** A server without TLS. */
export interface GrpcServer {
  /**
   * Adds a service. Name the generated server type, `addService<XServer>(XService, handlers)`: then a
   * misspelt or missing method does not compile.
   */
  addService<S extends UntypedServiceImplementation>(
    definition: ServiceDefinition,
    handlers: ServiceHandlers<S>,
  ): void;
  /** The grpc-js server, for packages that add their own services to it. */
  readonly server: Server;
  /**
   * Listens on HOST:PORT (port 0: a free one) and returns the port.
   *
   * @throws BellwetherError ADDRESS_UNAVAILABLE - in use, not of this machine, or not an address.
   */
  bind(address: string): Promise<number>;
  /** Registers what ends long-lived streams; `close` calls it, and nothing else ends them in time. */
  onClose(closer: () => void | Promise<void>): void;
  /**
   * Refuses new connections, runs the closers, lets the calls in flight end, and after `graceMs`
   * milliseconds breaks off what is left. Resolves when no connection remains; a second call joins the first.
   */
  close(graceMs: number): Promise<void>;
}

/** Makes a server; it listens after `bind`. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  silenceBindErrors();
  const server = new Server(options.channelOptions ?? serverOptions());
  const windowBytes = options.receiveWindowBytes ?? RECEIVE_WINDOW_BYTES;
  const closers: (() => void | Promise<void>)[] = [];
  let boundAddress: string | undefined;
  let closing: Promise<void> | undefined;
  const warn = (text: string | undefined): void => {
    if (text !== undefined) options.onWarning(text);
  };

  return {
    server,
    addService(definition, handlers) {
      server.addService(definition, handlers);
    },
    async bind(address) {
      warn(openStreamWindows(server, windowBytes));
      const port = await listen(server, address);
      boundAddress = address.replace(/:0$/, `:${String(port)}`);
      warn(openConnectionWindows(server, windowBytes));
      return port;
    },
    onClose(closer) {
      closers.push(closer);
    },
    close(graceMs) {
      closing ??= shutDown({ server, boundAddress, closers, graceMs, warn });
      return closing;
    },
  };
}

function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error): void => {
      reject(
        new BellwetherError('ADDRESS_UNAVAILABLE', `cannot listen on ${address}: ${reasonOf(cause)}`, {
          metadata: { address },
          cause,
        }),
      );
    };
    try {
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else refuse(error);
      });
    } catch (error) {
      refuse(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** The part of grpc-js's "No address added out of total 1 resolved errors: [...]" that says why. */
function reasonOf(error: Error): string {
  return /errors: \[(?<reasons>.*)\]$/s.exec(error.message)?.groups?.['reasons'] ?? error.message;
}

/** grpc-js prints a failed bind besides reporting it, but whoever called `bind` reports it. */
function silenceBindErrors(): void {
  setLogger({
    error: (message: unknown, ...details: unknown[]) => {
      if (!String(message).startsWith('No address added')) console.error(message, ...details);
    },
  });
}

async function shutDown(shutdown: {
  readonly server: Server;
  readonly boundAddress: string | undefined;
  readonly closers: readonly (() => void | Promise<void>)[];
  readonly graceMs: number;
  readonly warn: (text: string) => void;
}): Promise<void> {
  const { server, boundAddress } = shutdown;
  // drain, not forceShutdown: with channelz off the latter knows no sessions and would leave them open
  // (grpc-js 1.14); and drain must come first, for it skips sessions that tryShutdown has closed.
  if (boundAddress !== undefined) server.drain(boundAddress, shutdown.graceMs);
  const drained = new Promise<void>((resolve) => {
    server.tryShutdown(() => {
      resolve();
    });
  });
  for (const closer of shutdown.closers) {
    Promise.resolve()
      .then(closer)
      .catch((error: unknown) => {
        shutdown.warn(`a stream did not end in order: ${String(error)}`);
      });
  }
  await drained;
}
