/**
 * The data folder of a broker: whose it is, and that it is used by one process only.
 *
 * ```
 * broker.json    whose folder this is: broker, cluster and incarnation
 * lock.sock      held while a broker runs
 * journal/       see journal.ts
 * ```
 */
import type { DirectoryLock } from './directory-lock.js';
import type { FileSystem } from './file-system.js';
import { createJournalFile, FILE_HEADER_BYTES, listJournalFiles } from './journal-file.js';
import { journalHoldsFrames } from './journal-recovery.js';
import { attempt, errnoOf, storageCorrupt } from './storage-errors.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';

const FORMAT_VERSION = 1;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface DataDirectoryOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly brokerId: BrokerId;
  readonly clusterName: string;
  /** For a fresh folder: the voters that the cluster's metadata begins with; none to join a cluster. */
  readonly bootstrapVoters: readonly BrokerId[];
  /** `crypto.randomUUID`, or a seeded one: called once, for a fresh folder. */
  readonly newUuid: () => string;
  /** `lockDirectory`, or that of a simulated machine. */
  readonly lock: (directory: string) => Promise<DirectoryLock>;
}

export interface DataDirectory {
  /** UUID of this disk's contents: a broker with a new one has forgotten its votes (B12). */
  readonly incarnation: string;
  /**
   * The voters that this broker's group 0 was made with. Those of the first start, whatever a later one says:
   * other voters could elect a second leader beside the first (I12).
   */
  readonly bootstrapVoters: readonly BrokerId[];
  /** For `Journal.open`. */
  readonly journalDirectory: string;
  /** Gives the folder free for another process. Close the journal first. */
  release(): Promise<void>;
}

/** What broker.json says. */
interface Identity {
  readonly brokerId: string;
  readonly clusterName: string;
  /** The bootstrap voters. */
  readonly brokers: readonly string[];
  readonly incarnation: string;
}

/**
 * Opens the folder, or makes a fresh one of a missing or empty folder.
 *
 * @throws DATA_DIRECTORY_UNUSABLE, naming path and errno, when it cannot be made or written.
 * @throws DATA_DIRECTORY_IN_USE when a running broker holds it.
 * @throws DATA_DIRECTORY_MISMATCH when it is another broker's or another cluster's.
 * @throws STORAGE_CORRUPT when it has been used, but who it belongs to, or its journal, is missing or damaged.
 */
export async function openDataDirectory(options: DataDirectoryOptions): Promise<DataDirectory> {
  const { fileSystem, directory } = options;
  const journalDirectory = `${directory}/journal`;
  await usable(directory, () => fileSystem.makeDirectory(directory));
  const lock = await options.lock(directory);
  try {
    await usable(directory, () => probeWritable(fileSystem, directory));
    const path = `${directory}/broker.json`;
    const bytes = await usable(directory, () => fileSystem.readFile(path));
    const { incarnation, brokers: bootstrapVoters } =
      bytes === undefined
        ? await begin(options, path, journalDirectory)
        : await resume(options, parseIdentity(path, bytes), journalDirectory);
    return { incarnation, bootstrapVoters, journalDirectory, release: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function usable<T>(directory: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const errno = errnoOf(error);
    throw new BellwetherError(
      'DATA_DIRECTORY_UNUSABLE',
      `the data folder ${directory} cannot be used: ${errno}`,
      { metadata: { directory, errno }, cause: error },
    );
  }
}

async function probeWritable(fileSystem: FileSystem, directory: string): Promise<void> {
  const path = `${directory}/probe.tmp`;
  const file = await fileSystem.open(path, { create: true });
  await file.close();
  await fileSystem.remove(path);
}

/**
 * Makes a fresh folder: the journal first, broker.json last. So a crash in between leaves a journal
 * without frames, which has nothing to forget; and a folder with broker.json always has a journal.
 */
async function begin(
  options: DataDirectoryOptions,
  path: string,
  journalDirectory: string,
): Promise<Identity> {
  const { fileSystem, directory, brokerId, clusterName, bootstrapVoters } = options;
  await usable(directory, () => fileSystem.makeDirectory(journalDirectory));
  if (await journalHoldsFrames(fileSystem, journalDirectory)) {
    throw storageCorrupt(path, 0, 'it is missing, but there is a journal: this folder is not fresh');
  }
  const incarnation = options.newUuid();
  const header = { sequence: 1, firstBatch: 1, previousEnd: 0, incarnation };
  const file = await createJournalFile(fileSystem, journalDirectory, header, FILE_HEADER_BYTES);
  await attempt('close', file.path, () => file.storage.close());
  const identity = { brokerId, clusterName, brokers: bootstrapVoters, incarnation };
  const json = JSON.stringify({ formatVersion: FORMAT_VERSION, ...identity }, undefined, 2);
  const text = new TextEncoder().encode(`${json}\n`);
  await usable(directory, () => fileSystem.writeFileDurably(path, text));
  return identity;
}

async function resume(
  options: DataDirectoryOptions,
  found: Identity,
  journalDirectory: string,
): Promise<Identity> {
  const { fileSystem, directory, brokerId, clusterName } = options;
  if (found.brokerId !== brokerId || found.clusterName !== clusterName) {
    throw new BellwetherError(
      'DATA_DIRECTORY_MISMATCH',
      `the data folder ${directory} belongs to broker ${found.brokerId} of cluster ${found.clusterName}, ` +
        `not to broker ${brokerId} of cluster ${clusterName}`,
      {
        metadata: {
          directory,
          foundBroker: found.brokerId,
          foundCluster: found.clusterName,
          broker: brokerId,
          cluster: clusterName,
        },
      },
    );
  }
  await usable(directory, () => fileSystem.makeDirectory(journalDirectory));
  if ((await listJournalFiles(fileSystem, journalDirectory)).length === 0) {
    throw storageCorrupt(journalDirectory, 0, 'the journal of this broker is gone');
  }
  return found;
}

function parseIdentity(path: string, bytes: Uint8Array): Identity {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw storageCorrupt(path, 0, 'it is not JSON');
  }
  const fields = typeof value === 'object' && value !== null ? value : {};
  const { formatVersion, brokerId, clusterName, brokers, incarnation } = fields as Record<string, unknown>;
  if (typeof formatVersion === 'number' && formatVersion > FORMAT_VERSION) {
    throw new BellwetherError(
      'DATA_DIRECTORY_UNUSABLE',
      `${path} has format version ${formatVersion}; this version of Bellwether reads ${FORMAT_VERSION}`,
      { metadata: { path, formatVersion: String(formatVersion) } },
    );
  }
  if (
    formatVersion !== FORMAT_VERSION ||
    typeof brokerId !== 'string' ||
    typeof clusterName !== 'string' ||
    !isStrings(brokers) ||
    typeof incarnation !== 'string' ||
    !UUID.test(incarnation)
  ) {
    throw storageCorrupt(path, 0, 'a field is missing or not of its form');
  }
  return { brokerId, clusterName, brokers, incarnation };
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}
