/** Owns the shape of a case: what it is given, and what it returns. */

/**
 * @typedef {object} Case
 * @property {Omit<import('./broker-processes.mjs').StartOptions, 'folder'>} [brokers] How its brokers are started.
 * @property {boolean} [onRequest] Runs only when --only names it.
 * @property {number} [seconds] Its own default of --seconds.
 * @property {(context: Context) => Promise<Outcome>} run
 */

/**
 * @typedef {object} Context
 * @property {import('./broker-processes.mjs').BrokerProcesses} processes Three brokers that run.
 * @property {string} folder For files of this process, on the disk of the brokers' data.
 * @property {number} seconds Length of one run of a case that measures for a while.
 * @property {number} rounds Failovers of a case that counts.
 * @property {number} partitions Of a case with many of them.
 * @property {(text: string) => void} progress Tells a person who waits what happens.
 */

/**
 * One line of the table. Every figure is optional; `runs` are the single runs behind a median.
 *
 * @typedef {object} Row
 * @property {string} case
 * @property {string} what
 * @property {number} [per_second] Records for a produce, else calls.
 * @property {number} [mb_per_second] 10^6 bytes of record values.
 * @property {number} [p50_ms]
 * @property {number} [p90_ms]
 * @property {number} [p99_ms]
 * @property {number} [max_ms]
 * @property {number} [samples]
 * @property {number} [failed_calls] Of the client, from the faults until the cluster was whole again.
 * @property {number} [cpu_percent] Of one core.
 * @property {number} [resident_mib]
 * @property {number} [resident_max_mib]
 * @property {number} [early_mib] Median resident memory of the second fifth of a run.
 * @property {number} [middle_mib] The same of the third fifth.
 * @property {number} [late_mib] The same of the last fifth.
 * @property {number} [trend_percent] From the second fifth to the last.
 * @property {number} [kb_per_second] 10^3 bytes.
 * @property {number} [brokers_us] CPU time of the three brokers together for one record, in microseconds.
 * @property {number} [client_us] CPU time of the client for one record, in microseconds.
 * @property {unknown} [runs]
 */

/**
 * @typedef {object} Outcome
 * @property {readonly Row[]} rows
 * @property {readonly string[]} [notes] What a reader of the table must know.
 * @property {boolean} [failed] What was asked for was not measured to the end; the notes say why.
 * @property {unknown} [verified] What was compared, for a case that checks acknowledged records.
 */
