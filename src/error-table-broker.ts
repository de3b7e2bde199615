/** Rows of the error table (error-table.ts) about brokers, their disks, and the connections to them. Pure. */

import { type ErrorRow, GRPC_CODE } from './error-row.js';

export const BROKER_ERRORS = {
  SHUTTING_DOWN: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'The broker is stopping.',
    action: 'Ask another broker.',
  },
  STORAGE_FAILED: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'The disk of the broker failed; it stops voting and leading until it is restarted.',
    action: 'Ask another broker; look at the disk before restarting this one.',
  },
  DISK_FULL: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'The disk of the broker has no room for records but what is kept in reserve; reads go on.',
    action: 'Delete records or topics, keep less of them, or free the disk: writes go on by themselves then.',
  },
  STORAGE_CORRUPT: {
    code: GRPC_CODE.DATA_LOSS,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The journal is damaged before its end; the message names the file and the position.',
    action: 'Keep the folder and replace the broker; never use an older copy, which has forgotten promises.',
  },
  DATA_DIRECTORY_UNUSABLE: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The data folder cannot be created, read or written.',
    action: 'Check the path, its permissions and the free space.',
  },
  DATA_DIRECTORY_IN_USE: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'Another running broker uses the data folder.',
    action: 'Stop that broker, or choose another folder.',
  },
  DATA_DIRECTORY_MISMATCH: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The data folder belongs to another broker or another cluster.',
    action: 'Choose the folder of this broker, or an empty one.',
  },
  ADDRESS_UNAVAILABLE: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The broker cannot listen on the address: it is in use, or not of this machine.',
    action: 'Stop what uses the port, or choose another.',
  },
  CLUSTER_MISMATCH: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The other broker is of another cluster, is not the one meant, lost its disk, or was removed.',
    action:
      'Check --peers and --data of both brokers; after a lost disk, run `bellwether broker replace ID`.',
  },
  CONNECTION_FAILED: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'No connection to the broker could be made, or it refused the request unread: it was not run.',
    action: 'Check that the broker runs, and --bootstrap.',
  },
  CONNECTION_LOST: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'The connection broke while the request was under way.',
    action: 'Read back, or send again if a duplicate does no harm.',
  },
  REQUEST_TIMEOUT: {
    code: GRPC_CODE.DEADLINE_EXCEEDED,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'No answer came before the deadline of the request.',
    action: 'Read back, or send again if a duplicate does no harm.',
  },
  CLIENT_CLOSED: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The client or the producer was closed before the request was sent.',
    action: 'Open another client, or close this one later: flush() and close() of a producer wait for all.',
  },
  INTERNAL: {
    code: GRPC_CODE.INTERNAL,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'A defect in Bellwether.',
    action: 'Report it with the log of the broker.',
  },
} as const satisfies Record<string, ErrorRow>;
