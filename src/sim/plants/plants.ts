/** All planted bugs, each with its class, the checkers that may find it, and its bound. */

import type { Raft } from '../../raft/raft.js';
import { newCutsBehindAppends } from './core-that-cuts.js';
import {
  AppliesEarly,
  CommitsAlone,
  CommitsPriorTerms,
  DeletesTooMuch,
  CountsLearners,
  newForgetsOffsets,
  newKeepsDeleted,
  newSkipsRestores,
} from './cores-of-commit.js';
import {
  AnswersHeartbeatsEarly,
  ConfirmsTooMuch,
  CountsItselfEarly,
  ForgetsVotes,
  SpeaksBeforePersist,
} from './cores-of-disk.js';
import {
  IgnoresHints,
  IgnoresOrders,
  LeadsOnLeaving,
  LeaksTransfer,
  NeverYields,
  ReadsAlone,
  TrustsBrokenLinks,
  VotesForAnyLog,
  VotesTwice,
} from './cores-of-leadership.js';
import { ChangesTooSoon, InstallsInMemory } from './cores-of-members.js';
import {
  newAcknowledgesEarly,
  newAppendsAgain,
  newForgetsProducers,
  newKeepsCutSequences,
} from './cores-of-producers.js';
import { forgetsDirectories, retriesSync } from './file-systems.js';
import type { Plant } from './plant.js';

type Row = Pick<Plant, 'defect' | 'classes' | 'foundBy' | 'seedsMax'>;

function core(Core: typeof Raft, row: Row): Plant {
  const name = Core.name.charAt(0).toLowerCase() + Core.name.slice(1);
  return { ...row, name, newRaft: (...parts) => new Core(...parts) };
}

const OF_DISK = ['I2', 'I5', 'I16', 'I23'];

export const PLANTS: readonly Plant[] = [
  core(ForgetsVotes, { classes: 'B11', defect: 'the vote is not written', foundBy: ['I2'], seedsMax: 5 }),
  core(SpeaksBeforePersist, {
    classes: 'B1, B9, B13',
    defect: 'answers leave before the write',
    foundBy: ['I2'],
    seedsMax: 5,
  }),
  core(AnswersHeartbeatsEarly, {
    classes: 'B7',
    defect: 'an empty append is answered unsynced',
    foundBy: ['I2'],
    seedsMax: 10,
  }),
  core(CountsItselfEarly, {
    classes: 'B8',
    defect: 'the leader counts an unwritten entry',
    foundBy: ['I5'],
    seedsMax: 10,
  }),
  core(ConfirmsTooMuch, {
    classes: 'B14',
    defect: 'one write confirms those behind it, over a change of term too',
    foundBy: ['I2', 'I5', 'I23'],
    seedsMax: 40,
  }),
  core(CommitsPriorTerms, {
    classes: 'B17',
    defect: 'earlier terms are committed by counting',
    foundBy: ['I6'],
    seedsMax: 80,
  }),
  core(CommitsAlone, {
    classes: 'B15',
    defect: 'a quorum is not counted',
    foundBy: ['I5', 'I6'],
    seedsMax: 5,
  }),
  core(AppliesEarly, {
    classes: 'I18',
    defect: 'entries are applied, and read, uncommitted',
    foundBy: ['I14', 'I18'],
    seedsMax: 5,
  }),
  {
    name: 'cutsBehindAppends',
    classes: 'B18',
    defect: 'a late append truncates',
    newRaft: newCutsBehindAppends,
    foundBy: ['I1', 'I5', 'I7', 'I13', 'I14'],
    seedsMax: 200,
  },
  {
    name: 'forgetsOffsets',
    classes: 'B32',
    defect: 'followers do not keep committed offsets',
    newRaft: newForgetsOffsets,
    foundBy: ['I17'],
    seedsMax: 5,
  },
  core(VotesForAnyLog, {
    classes: 'Raft 5.4.1',
    defect: 'votes for shorter logs',
    foundBy: ['I4', 'I7', 'I10'],
    seedsMax: 40,
  }),
  core(VotesTwice, {
    classes: 'B11',
    defect: 'a second vote in one term',
    foundBy: ['I2', 'I3', 'I13'],
    seedsMax: 10,
  }),
  core(NeverYields, {
    classes: 'B26',
    defect: 'a leader without quorum stays',
    foundBy: ['L5'],
    seedsMax: 100,
  }),
  core(LeaksTransfer, {
    classes: 'B22',
    defect: 'a failed transfer never ends',
    foundBy: ['I20', 'L3'],
    seedsMax: 200,
  }),
  core(IgnoresOrders, {
    classes: 'L8',
    defect: 'an order to campaign is ignored',
    foundBy: ['L8', 'L2', 'I20'],
    seedsMax: 10,
  }),
  core(LeadsOnLeaving, {
    classes: 'I20',
    defect: 'a broker that is told to stop campaigns',
    foundBy: ['I20'],
    seedsMax: 160,
  }),
  core(TrustsBrokenLinks, {
    classes: 'B35',
    defect: 'what a broken link lost is not sent again',
    foundBy: ['L1', 'L2', 'L3', 'L5'],
    seedsMax: 20,
  }),
  core(IgnoresHints, {
    classes: 'B20',
    defect: 'a probe goes back entry by entry',
    foundBy: ['L4'],
    seedsMax: 150,
  }),
  core(ReadsAlone, {
    classes: 'B28, B29',
    defect: 'reads without a quorum',
    foundBy: ['I18'],
    seedsMax: 100,
  }),
  {
    name: 'retriesSync',
    classes: 'B10',
    defect: 'a failed fsync is tried again',
    fileSystem: retriesSync,
    foundBy: OF_DISK,
    seedsMax: 40,
  },
  {
    name: 'forgetsDirectories',
    classes: 'B6',
    defect: 'new names are not synced',
    fileSystem: forgetsDirectories,
    foundBy: OF_DISK,
    seedsMax: 5,
  },
  {
    name: 'syncIsEmpty',
    classes: 'B1',
    defect: 'a sync does nothing',
    diskLie: 'syncIsInstantAndEmpty',
    foundBy: OF_DISK,
    seedsMax: 3,
  },
  {
    name: 'lastSyncIsLost',
    classes: 'B1, B2',
    defect: 'a sync is one sync late',
    diskLie: 'lastSyncIsLost',
    foundBy: OF_DISK,
    seedsMax: 3,
  },
  {
    name: 'syncErrorIsSwallowed',
    classes: 'B10',
    defect: 'the disk hides a failed sync',
    diskLie: 'syncErrorIsSwallowed',
    foundBy: OF_DISK,
    seedsMax: 40,
  },
  {
    name: 'wipedDiskVotes',
    classes: 'B12',
    defect: 'an emptied disk keeps its identity',
    keepsIncarnation: true,
    // L1 when the emptied disk leads in the end, though it must take no part.
    foundBy: ['I3', 'I10', 'I13', 'I19', 'I21', 'L1'],
    seedsMax: 80,
  },
  core(CountsLearners, {
    classes: 'thesis 4.2.1',
    defect: 'a learner counts in the quorum',
    // I14 when a snapshot is due for what its log does not take for committed.
    foundBy: ['I5', 'I14'],
    seedsMax: 40,
  }),
  core(ChangesTooSoon, {
    classes: 'B5',
    defect: 'a change of members does not wait for the one before',
    foundBy: ['I11', 'I12'],
    seedsMax: 20,
  }),
  core(InstallsInMemory, {
    classes: 'B1',
    defect: 'a snapshot is acknowledged unsynced',
    foundBy: ['I2', 'I16'],
    seedsMax: 20,
  }),
  {
    name: 'keepsDeleted',
    classes: 'I17',
    defect: 'followers do not delete records',
    newRaft: newKeepsDeleted,
    foundBy: ['I17', 'I2', 'I23'],
    seedsMax: 40,
  },
  core(DeletesTooMuch, {
    classes: 'I1',
    defect: 'more is deleted than a client, or retention, may delete',
    foundBy: ['I1'],
    seedsMax: 40,
  }),
  {
    name: 'skipsRestores',
    classes: 'I14',
    defect: 'a state machine is not told of a snapshot',
    newRaft: newSkipsRestores,
    foundBy: ['I14', 'I17', 'I23'],
    seedsMax: 20,
  },
  {
    name: 'appendsAgain',
    classes: 'I22',
    defect: 'a batch that is sent again is appended again',
    newRaft: newAppendsAgain,
    foundBy: ['I22'],
    seedsMax: 5,
  },
  {
    name: 'acknowledgesEarly',
    classes: 'I22',
    defect: 'a batch that is sent again is acknowledged uncommitted',
    newRaft: newAcknowledgesEarly,
    foundBy: ['I1'],
    seedsMax: 40,
  },
  {
    name: 'forgetsProducers',
    classes: 'I22',
    defect: 'a snapshot has no producers',
    newRaft: newForgetsProducers,
    foundBy: ['I17', 'I22'],
    seedsMax: 40,
  },
  {
    name: 'keepsCutSequences',
    classes: 'I22',
    defect: 'producers are not told of a truncation',
    newRaft: newKeepsCutSequences,
    foundBy: ['I1', 'I17', 'I22'],
    seedsMax: 40,
  },
];

export function plantNamed(name: string): Plant {
  const plant = PLANTS.find((each) => each.name === name);
  if (plant !== undefined) return plant;
  throw new Error(`no plant is called ${name}; there are ${PLANTS.map((each) => each.name).join(', ')}`);
}
