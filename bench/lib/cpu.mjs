/**
 * Owns the CPU time behind a load. It says what a record costs, and unlike records a second it hardly changes
 * when other programs take a part of the machine.
 */

/**
 * Runs `load` and adds the CPU time that one record cost: of the three brokers together, and of this process,
 * which is the client. NaN where the system does not tell.
 *
 * @template {{ samples: number }} T
 * @param {import('./broker-processes.mjs').BrokerProcesses} processes
 * @param {number} recordsPerCall
 * @param {() => Promise<T>} load
 */
export async function withCpu(processes, recordsPerCall, load) {
  const brokersBefore = processes.cpuSeconds();
  const clientBefore = process.cpuUsage();
  const result = await load();
  const { user, system } = process.cpuUsage(clientBefore);
  const records = result.samples * recordsPerCall;
  return {
    ...result,
    brokers_us: ((processes.cpuSeconds() - brokersBefore) * 1e6) / records,
    client_us: (user + system) / records,
  };
}
