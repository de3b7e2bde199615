/** One attempt of one call: a promise with a deadline, that rejects with BellwetherError only. */
import { Metadata } from '@grpc/grpc-js';
import type { ClientUnaryCall } from '@grpc/grpc-js';
import { BellwetherError } from '../errors.js';
import { fromServiceError } from '../wire/status.js';
import { dialled } from './broker-pool.js';
import type { Connection } from './broker-pool.js';
import type { Lifetime } from './lifetime.js';

/** A method with one request, as ts-proto generates it: one entry of, say, `LogServiceService`. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Sends `request` once and resolves with the answer, within `timeoutMs`. */
export async function unary<Request, Response>(
  lifetime: Lifetime,
  connection: Connection,
  method: UnaryMethod<Request, Response>,
  request: Request,
  timeoutMs: number,
): Promise<Response> {
  const deadlineMs = Date.now() + timeoutMs;
  connection.callsInFlight += 1;
  try {
    await dialled(connection, timeoutMs);
    lifetime.check();
    return await send(lifetime, connection, method, request, deadlineMs);
  } catch (error) {
    throw named(connection.address, fromServiceError(error));
  } finally {
    connection.callsInFlight -= 1;
  }
}

function send<Request, Response>(
  lifetime: Lifetime,
  connection: Connection,
  method: UnaryMethod<Request, Response>,
  request: Request,
  deadlineMs: number,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const call: ClientUnaryCall = connection.client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      { deadline: deadlineMs },
      (error, response) => {
        forget();
        if (response !== undefined) resolve(response);
        else reject(lifetime.closed ? closedMeanwhile(error) : fromServiceError(error));
      },
    );
    const forget = lifetime.onClose(() => call.cancel());
  });
}

/** The request had been handed to gRPC: whether a broker has it cannot be known. */
function closedMeanwhile(cause: unknown): BellwetherError {
  const message = 'the client was closed while the request was under way';
  return new BellwetherError('CONNECTION_LOST', message, { cause });
}

/** Says which broker it was, where the error comes from the connection and not from the broker. */
export function named(address: string, error: BellwetherError): BellwetherError {
  const ofConnection =
    error.reason === 'CONNECTION_FAILED' ||
    error.reason === 'CONNECTION_LOST' ||
    error.reason === 'REQUEST_TIMEOUT';
  if (!ofConnection || error.metadata['address'] !== undefined) return error;
  return new BellwetherError(error.reason, `broker at ${address}: ${error.message}`, {
    metadata: { ...error.metadata, address },
    leaderHint: error.leaderHint,
    cause: error.cause,
  });
}
