/** A service of text messages over a real loopback connection, for the tests of the adapters. */
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import type { handleBidiStreamingCall, handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};

export const ECHO = { path: '/test.Echo/Echo', requestStream: false, responseStream: false, ...text };
export const CHAT = { path: '/test.Echo/Chat', requestStream: true, responseStream: true, ...text };

export interface TestService {
  readonly client: Client;
  readonly address: string;
  stop(): void;
}

/** Serves the two methods, each of them optional. */
export async function serve(handlers: {
  readonly echo?: handleUnaryCall<string, string>;
  readonly chat?: handleBidiStreamingCall<string, string>;
}): Promise<TestService> {
  const definition: ServiceDefinition = {
    ...(handlers.echo && { echo: ECHO }),
    ...(handlers.chat && { chat: CHAT }),
  };
  const server = new Server();
  server.addService(definition, { ...handlers });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  const address = `127.0.0.1:${String(port)}`;
  const client = new Client(address, credentials.createInsecure());
  return {
    client,
    address,
    stop: () => {
      client.close();
      server.forceShutdown();
    },
  };
}

/** Starts a unary call; `cancel` cancels it. */
export function echo(
  client: Client,
  message: string,
  options: { readonly deadline?: number } = {},
): { readonly answer: Promise<string | undefined>; readonly cancel: () => void } {
  const { path, requestSerialize, responseDeserialize } = ECHO;
  let cancel = (): void => undefined;
  const answer = new Promise<string | undefined>((resolve, reject) => {
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      options,
      (error, value) => {
        if (error) reject(error);
        else resolve(value);
      },
    );
    cancel = () => {
      call.cancel();
    };
  });
  return { answer, cancel };
}

/** Starts a stream in both directions. Its errors are caught: they arrive as 'status' too. */
export function chat(client: Client): ReturnType<typeof client.makeBidiStreamRequest<string, string>> {
  const call = client.makeBidiStreamRequest(CHAT.path, CHAT.requestSerialize, CHAT.responseDeserialize);
  call.on('error', () => undefined);
  return call;
}

/** A promise with its resolve function (Node 20 has no Promise.withResolvers). */
export function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((accept) => {
    resolve = accept;
  });
  return { promise, resolve };
}
