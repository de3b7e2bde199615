/** One attempt of one call: a promise with a deadline, that rejects with BellwetherError only. */
import { Metadata, status } from '@grpc/grpc-js';
import type { ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import { BellwetherError } from '../errors.js';
import { fromServiceError } from '../wire/status.js';
import type { Attempt } from './attempt.js';
import { dialled } from './broker-pool.js';
import type { Connection } from './broker-pool.js';
import type { Lifetime } from './lifetime.js';

/** A method with one request, as ts-proto generates it: one entry of, say, `LogServiceService`. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Sends `request` once and resolves with the answer, within `timeoutMs` and until `attempt` is given up. */
export async function unary<Request, Response>(
  lifetime: Lifetime,
  connection: Connection,
  method: UnaryMethod<Request, Response>,
  request: Request,
  timeoutMs: number,
  attempt?: Attempt,
): Promise<Response> {
  const deadlineMs = Date.now() + timeoutMs;
  connection.callsInFlight += 1;
  try {
    await dialled(connection, timeoutMs, attempt);
    lifetime.check();
    return await send(lifetime, connection, method, request, deadlineMs, attempt);
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
  attempt: Attempt | undefined,
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
        else if (lifetime.closed) reject(closedMeanwhile(error));
        else reject(givenUp(attempt, error) ?? fromServiceError(error));
      },
    );
    const cancel = (): void => call.cancel();
    const forget = lifetime.onClose(cancel);
    attempt?.onGivenUp(cancel);
  });
}

/** What became of an attempt that was given up; a broker that answered in the same moment is believed instead. */
function givenUp(attempt: Attempt | undefined, error: ServiceError | null): BellwetherError | undefined {
  return error?.code === status.CANCELLED ? attempt?.lost(true) : undefined;
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
