/** What a planted bug is: one defect, put in through a port or as another core, that checkers must find. */

import type { RaftFactory } from '../../broker/group-factory.js';
import type { FileSystem } from '../../storage/file-system.js';
import type { DiskLie } from '../disk.js';

export interface Plant {
  readonly name: string;
  /** Classes of bugs, B1 to B36 of the research notes, that it stands for. */
  readonly classes: string;
  /** What is wrong, in a few words. */
  readonly defect: string;
  /** Invariants whose checkers may find it. */
  readonly foundBy: readonly string[];
  /** It is found within this many seeds from any start. */
  readonly seedsMax: number;
  readonly newRaft?: RaftFactory;
  readonly fileSystem?: (real: FileSystem) => FileSystem;
  readonly diskLie?: DiskLie;
  /** An emptied disk comes back under its old identity. */
  readonly keepsIncarnation?: boolean;
}
