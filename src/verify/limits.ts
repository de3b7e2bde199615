/**
 * How much verify remembers. A run holds about 60 bytes for each batch that was sent and 80 for each read, not for
 * each record; the judge unfolds one partition at a time, into about 1.2 KiB for each of its records.
 */

/** Records of one run at most. */
export const RECORDS_MAX = 3_000_000;

/** Records of one partition at most, for each partition of the topic: the process stays below half a GiB. */
export const RECORDS_PER_PARTITION_MAX = 300_000;
