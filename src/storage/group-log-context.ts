/** What the logs of all groups of one journal share. */
import type { SegmentAccess } from './cold-entries.js';
import type { PayloadCache } from './payload-cache.js';
import type { BellwetherError } from '../errors.js';

export interface GroupLogContext {
  readonly cache: PayloadCache;
  /** Told of a read that failed or came back damaged: the disk can no longer be trusted. */
  readonly onReadFailed: (error: BellwetherError) => void;
  /** Undefined where nothing is ever copied into segments. */
  readonly segments?: SegmentAccess;
}
