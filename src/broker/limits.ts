/** Bounds and paces of a broker, each with its unit. */

export const LIMITS = {
  /** Pace of heartbeats between each two brokers. */
  heartbeatIntervalMs: 50,
  /** The same while this broker has nothing to write: an idle cluster notices a hang a little later. */
  idleHeartbeatIntervalMs: 100,
  /** How long after its last write a broker counts as idle. */
  idleAfterMs: 2_000,
  /**
   * A link without a confirmed heartbeat for this long is suspected: between the two, by how long the peer was
   * silent lately; see adaptive-timeout.ts. On a quiet cluster the newest confirmed heartbeat is one interval
   * old at most, and the lower limit allows for two that are lost.
   */
  heartbeatTimeoutMsMin: 150,
  heartbeatTimeoutMsMax: 350,
  /** The timeout of a peer that is not known yet. */
  heartbeatTimeoutMsStart: 300,
  /** The timeout is this many times the longest silence that the peer has come back from, unsuspected. */
  heartbeatTimeoutFactor: 2.5,
  /** Time in which that silence counts half. */
  silenceHalfLifeMs: 5_000,
  /** And this many times the longest silence for which it was suspected falsely. */
  falseAlarmFactor: 1.25,
  /** Time in which a false alarm counts half. */
  falseAlarmHalfLifeMs: 2_500,
  /** Time for which this process was held up that is added to the deadlines of elections: from, and at most. */
  electionLagMsMin: 5,
  electionLagMsMax: 200,
  /** A write without an answer of the disk for this long: peers are told nothing, as if the broker hung. */
  diskSlowMs: 300,
  /** The same for this long: the broker gives up all that it leads. */
  diskStallMs: 500,
  /** Bytes of all partitions that may wait for the disk; further writes of clients are refused. */
  clientWriteBytesMax: 134_217_728,
  /** Entries of leaders beyond this are left in the network. The journal asserts both together. */
  replicaWriteBytesMax: 134_217_728,
  /** However little of the disk is free, so many bytes may wait for it; the ballast has room for them. */
  shortDiskBacklogBytes: 4_194_304,
  /** Bytes kept in a file for when the disk is full; see ballast.ts. */
  ballastBytes: 33_554_432,
  /** Bytes of the disk that are not for records, unless the configuration says otherwise. */
  diskReserveBytes: 268_435_456,
  /** Pause between two looks at how much of the disk is free, while that is not much more than the reserve, */
  diskSpaceLookMs: 200,
  /** and while it is four times as much or more. */
  diskSpaceRareLookMs: 1_000,
  /** Partitions that a broker whose disk is short begins to hand over with each look, and those under way. */
  diskHandOversPerLookMax: 16,
  diskHandOversInFlightMax: 32,
  /** Pause before one that was not taken over is tried again. */
  diskHandOverRetryMs: 2_000,
  /** How long a broker is not asked again that declined, as its own disk is short. */
  diskHandOverDeclinedMs: 10_000,
  /** Pause between two attempts to free disk space that deletions have made needless, while it is short. */
  makeRoomMs: 5_000,
  /** Pause between two looks at whether the disk has caught up. */
  writeBacklogLookMs: 5,
  /** Longest wait for an election before PartitionLeader answers NO_LEADER, and for all those of a new topic. */
  leaderWaitMsMax: 2_000,
  /** Deadline of a call that came without one. */
  defaultTimeoutMs: 5_000,
  /** Longest deadline that is honoured. */
  timeoutMsMax: 30_000,
  /** How long before the caller's deadline a commit timeout is answered, so that the answer arrives. */
  answerMarginMs: 20,
  /** A pass of the ready loop that follows another one sooner waits for the rest of the input at hand. */
  restMs: 0.1,
  /** Payload bytes in one message between brokers; one larger append still goes alone. */
  peerMessageBytesMax: 4_194_304,
  /** Groups in one message between brokers. */
  peerMessageGroupsMax: 10_000,
  /** Bytes that may wait for one peer before the link is given up as stuck. */
  peerBufferBytesMax: 67_108_864,
  /** Bytes of a snapshot in one message between brokers. */
  snapshotChunkBytesMax: 262_144,
  /** Voters and learners of one group, as far as another broker is believed. */
  groupMembersMax: 64,
  /** How long a vote waits for a group that this broker is about to create, and for its disk. */
  voteWaitMs: 1_000,
  /** One record batch, as a client may send it. */
  batchBytesMax: 1_048_576,
  /** Records in one batch. */
  batchRecordsMax: 10_000,
  /** Producer ids that a broker takes from the controller at a time. */
  producerIdBlock: 1_000,
  /** Records that one fetch returns at most. */
  fetchRecordsMax: 10_000,
  fetchRecordsDefault: 500,
  /** Bytes that one fetch returns at most, one larger batch aside. */
  fetchBytesMax: 2_097_152,
  fetchBytesDefault: 1_048_576,
  /** Longest long poll. */
  fetchWaitMsMax: 30_000,
  /** Long polls that wait at one partition; further ones are answered at once, empty. */
  pollsMax: 10_000,
  /** Bytes of record batches that one broker has taken from clients and not answered; more are refused. */
  unansweredBytesMax: 134_217_728,
  /** Bytes and requests of one produce stream without an answer; while there are so many it is not read. */
  produceStreamBytesMax: 4_194_304,
  produceStreamRequestsMax: 1_000,
  /** Bytes of responses that wait for a client of a produce stream to read them; while there are, as above. */
  produceStreamBufferBytes: 65_536,
  /** The same, however large a thousand answers are; the stream is given up beyond. */
  produceStreamBufferBytesMax: 8_388_608,
  /** Produce streams, and consume streams, that one broker serves. */
  produceStreamsMax: 1_000,
  consumeStreamsMax: 1_000,
  /** Bytes of records that all consume streams of a broker hold, shared evenly; each has one batch at least. */
  consumeBytesMax: 134_217_728,
  /** How long a stopping broker listens for more requests of a produce stream before it ends it. */
  streamQuietMs: 50,
  /** A follower is in sync while it was level with the leader within this time. */
  replicaLagMsMax: 2_000,
  /** Longest time for which a failover may block writes, and the default. */
  maxBlockMsMax: 10_000,
  maxBlockMsDefault: 1_000,
  /** Longest time that a broker which is told to stop spends on handing over what it leads. */
  drainMsMax: 2_000,
  /** Pause between two looks at what is left to hand over. */
  drainPauseMs: 5,
  /** How long a broker that has handed everything over waits to hear who took it. */
  successorWaitMs: 300,
  /** How long it then stays, to tell clients that come late, and to end when those that it told are there. */
  lingerMs: 50,
  /** Longest time for which a write waits for the leadership to arrive somewhere; see held-writes.ts. */
  heldMsMax: 300,
  /** Bytes of the writes of all partitions that wait so; further ones are refused at once. */
  heldBytesMax: 67_108_864,
  /** How long a preferred leader is left alone after it came up or gave up what it should lead. */
  balanceCoolDownMs: 60_000,
  /** Moves back to preferred leaders that one broker has under way at a time. */
  balanceMovesInFlightMax: 8,
  /** Such moves that one broker begins in a second. */
  balanceMovesPerSecondMax: 40,
  /** Pause between two rounds of such moves. */
  balanceRoundMs: 100,
  /** Longest time for which such a move may block writes: it is never urgent. */
  balanceBlockMsMax: 250,
  /** Pause before a preferred leader that could not take over is looked at again; doubled with each failed move. */
  balanceRetryMs: 1_000,
  balanceRetryMsMax: 60_000,
  /** A broker that lost its quorum or the controller counts as unready after this long, not before. */
  unreadyAfterMs: 1_000,
  /** A broker whose disk did not answer counts as ready again after this long with one that does. */
  diskReadyAfterMs: 1_000,
  /** A first write later than this after the first commit of a leadership says nothing about it. */
  firstWriteMsMax: 10_000,
  /** Reports of leaderships that wait for the controller; the oldest are dropped when there are more. */
  leadershipReportsMax: 20_000,
  /** Reports in one command for the controller, some 200 bytes each. */
  leadershipBatchMax: 250,
  /** Watches of the history of leadership that one broker serves. */
  leadershipWatchesMax: 1_000,
  /** Bytes that wait in the stream of one watch before it is held back. */
  watchBufferBytes: 65_536,
  /** Changes of leadership that one call lists. */
  failoversMax: 1_000,
  failoversDefault: 100,
  /** Topics that one watch names. */
  watchTopicsMax: 1_000,
  /** Pause between two passes of retention over all partitions. */
  retentionCheckMs: 60_000,
  /** Partitions that retention looks at in one turn, and the pause before the next turn of the pass. */
  retentionLooksMax: 256,
  retentionTurnMs: 20,
  /** Deletions of retention that one broker has under way at a time. */
  retentionDeletionsMax: 64,
  partitionsMax: 10_000,
  replicationFactorMax: 7,
  replicationFactorDefault: 3,
  /** Pause before a broker that could not register tries again. */
  registerRetryMs: 100,
  /** Pause before a broker whose disk was declared lost by mistake asks again whether it may join. */
  rejoinRetryMs: 1_000,
  /** Pause between two lines of the log that say what a broker waits for. */
  waitLogMs: 5_000,
} as const;
