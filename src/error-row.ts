/** What a row of the error table says, and the gRPC codes that rows name. Pure. */

/** Whether the write was applied: the question that every error must answer. */
export type Outcome = 'NOT_APPLIED' | 'UNKNOWN' | 'APPLIED';

/**
 * What a caller may do with the same request.
 * - `never`: it will fail again until somebody changes something.
 * - `same_broker`: send it again to the same broker after a pause.
 * - `refresh_metadata`: find the leader first, then send it again.
 * - `unknown_outcome`: it may have been applied; only an idempotent request may be sent again.
 */
export type RetryClass = 'never' | 'same_broker' | 'refresh_metadata' | 'unknown_outcome';

/** One row of the table. */
export interface ErrorRow {
  /** gRPC status code (google.rpc.Code). */
  readonly code: number;
  readonly outcome: Outcome;
  readonly retry: RetryClass;
  /** What happened, as a sentence. */
  readonly meaning: string;
  /** What to do next, as a sentence. */
  readonly action: string;
}

/** gRPC status codes by name (google.rpc.Code), so that this pure file needs no gRPC. */
export const GRPC_CODE = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
} as const;
