/** Owns what is printed: one table for people, one JSON document for programs. */

const FIGURES = /** @type {const} */ ([
  ['per second', 'per_second', 0],
  ['MB/s', 'mb_per_second', 1],
  ['p50 ms', 'p50_ms', 2],
  ['p90 ms', 'p90_ms', 2],
  ['p99 ms', 'p99_ms', 2],
  ['max ms', 'max_ms', 1],
  ['samples', 'samples', 0],
  ['failed calls', 'failed_calls', 0],
  ['CPU %', 'cpu_percent', 1],
  ['MiB', 'resident_mib', 0],
  ['max MiB', 'resident_max_mib', 0],
  ['2nd fifth', 'early_mib', 0],
  ['3rd fifth', 'middle_mib', 0],
  ['last fifth', 'late_mib', 0],
  ['trend %', 'trend_percent', 1],
  ['kB/s', 'kb_per_second', 1],
  ['brokers us', 'brokers_us', 1],
  ['client us', 'client_us', 1],
]);

/**
 * @typedef {object} Report
 * @property {string} version Of Bellwether.
 * @property {string} started_at ISO 8601.
 * @property {number} took_seconds
 * @property {Readonly<Record<string, number>>} settings By the name of the flag.
 * @property {ReturnType<typeof import('./machine.mjs').describeMachine>} machine
 * @property {readonly string[]} notes
 * @property {Readonly<Record<string, unknown>>} verified By case: how many acknowledged records were compared.
 * @property {readonly import('./context.mjs').Row[]} rows
 */

/**
 * The report as text, its last line end included.
 *
 * @param {Report} report
 */
export function asText(report) {
  const { machine, settings } = report;
  const figures = FIGURES.filter(([, key]) => report.rows.some((row) => row[key] !== undefined));
  const head = ['case', 'what', ...figures.map(([title]) => title)];
  const lines = report.rows.map((row) => [
    row.case,
    row.what,
    ...figures.map(([, key, digits]) => figure(row[key], digits)),
  ]);
  return [
    `Bellwether ${report.version}: three broker processes, replication factor 3, acks=all, fsync on`,
    ...machineLines(machine),
    '',
    ...table(head, lines, 2),
    '',
    ...Object.entries(report.verified).map(([name, facts]) => `verified ${name}: ${JSON.stringify(facts)}`),
    ...report.notes.map((note) => `note: ${note}`),
    `${Object.entries(settings)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}; took ${report.took_seconds} s`,
    '',
  ].join('\n');
}

/** @param {Report['machine']} machine */
export function machineLines(machine) {
  return [
    `${machine.cores} cores, CPU ${machine.cpu_model}, ${machine.memory_gib} GiB, Node ${machine.node}, ` +
      `${machine.system}, data on ${machine.file_system}`,
    `load average before: ${machine.load_average_before.join(' ')}`,
  ];
}

/**
 * Lines of a table without a frame: the first `textColumns` columns to the left, the others to the right.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} lines
 * @param {number} textColumns
 */
export function table(head, lines, textColumns) {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...lines.map((cells) => cells[i]?.length ?? 0)),
  );
  const drawn = (/** @type {readonly string[]} */ cells) =>
    cells
      .map((cell, i) => (i < textColumns ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [drawn(head), widths.map((width) => '-'.repeat(width)).join('  '), ...lines.map(drawn)];
}

/**
 * A figure as text; empty for none.
 *
 * @param {number | undefined} value
 * @param {number} digits
 */
export function figure(value, digits) {
  if (value === undefined || Number.isNaN(value)) return '';
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
