/** The import allow-list of each folder of src/, and what breaks it. */
import { posix } from 'node:path';
import ts from 'typescript';
import { at, type Breach, type TextFile } from './source.js';

/** What a folder may import besides itself and the files of `ANYWHERE`. */
interface Allowance {
  /** Other folders of src/, all of them on lower floors. */
  readonly folders: readonly string[];
  /** May import the generated code. */
  readonly gen?: boolean;
  /** npm packages; `node:` stands for every module of Node but those that touch files. */
  readonly packages: readonly string[];
}

const PURE_FLOORS = ['cluster', 'log', 'raft', 'records'];

/**
 * THINK TWICE BEFORE CHANGING THIS TABLE: it is the architecture. From the roof down:
 * cli | bridge, verify | client, testing | rpc, sim | broker, wire | storage | log, cluster | raft, records, history.
 */
export const ALLOWED: Readonly<Record<string, Allowance>> = {
  cli: {
    folders: [
      'bridge',
      'verify',
      'client',
      'testing',
      'rpc',
      'broker',
      'wire',
      'storage',
      'history',
      ...PURE_FLOORS,
    ],
    packages: ['node:', 'node:fs', '@grpc/grpc-js', '@grpc/proto-loader', 'cli-table3', 'commander', 'pino'],
  },
  bridge: { folders: ['client', 'testing', 'history'], packages: ['node:', 'zod'] },
  verify: { folders: ['client', 'history'], packages: ['node:'] },
  client: { folders: ['wire', 'records'], gen: true, packages: ['node:', '@grpc/grpc-js'] },
  testing: {
    folders: ['client', 'rpc', 'broker', 'wire', 'storage', 'history', ...PURE_FLOORS],
    packages: ['node:', 'node:fs'],
  },
  rpc: {
    folders: ['broker', 'wire', 'storage', ...PURE_FLOORS],
    gen: true,
    packages: [
      'node:',
      '@bufbuild/protobuf',
      '@grpc/grpc-js',
      '@grpc/proto-loader',
      '@grpc/reflection',
      'grpc-health-check',
    ],
  },
  sim: { folders: ['broker', 'storage', 'history', ...PURE_FLOORS], packages: [] },
  broker: { folders: ['storage', ...PURE_FLOORS], packages: ['node:'] },
  wire: { folders: ['raft', 'records'], gen: true, packages: ['@bufbuild/protobuf', '@grpc/grpc-js'] },
  storage: { folders: PURE_FLOORS, packages: ['node:', 'node:fs'] },
  log: { folders: ['raft', 'records'], packages: [] },
  cluster: { folders: ['raft', 'records'], packages: [] },
  raft: { folders: [], packages: [] },
  records: { folders: [], packages: [] },
  history: { folders: [], packages: [] },
};

/** May be imported by every folder. */
const ANYWHERE = [
  'src/errors.ts',
  'src/error-row.ts',
  'src/error-table.ts',
  'src/error-table-broker.ts',
  'src/invariant.ts',
  'src/crc32c.ts',
  'src/config.ts',
];

/** What the files directly in src/ may import. */
const ROOT_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'src/config.ts': ['node:', 'node:fs', 'zod'],
};

/** Single files that need a package that their folder must not use, each with the reason. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // Reads gen/descriptors.binpb, which ships with the package.
  'src/rpc/reflection.ts': ['node:fs'],
  // Many seeds at once; what runs inside a simulated cluster sees no thread.
  'src/sim/pool.ts': ['node:worker_threads'],
  // The one native package, which may be missing.
  'src/wire/native-crc32c.ts': ['node:module', '@node-rs/crc32'],
};

/** What a file imports: paths in the repository as `src/a/b.ts`, everything else as written. */
export function importsOf(file: TextFile): string[] {
  return ts
    .preProcessFile(file.text, true, true)
    .importedFiles.map(({ fileName }) =>
      fileName.startsWith('.')
        ? posix.join(posix.dirname(file.path), fileName).replace(/\.js$/, '.ts')
        : fileName,
    );
}

/** Every import of a file of src/ that its folder's allowance does not cover. */
export function layerBreaches(file: TextFile): Breach[] {
  return importsOf(file)
    .map((imported) => objection(file.path, imported))
    .filter((message) => message !== undefined)
    .map((message) => at(file, 1, message));
}

function objection(path: string, imported: string): string | undefined {
  const folder = folderOf(path);
  if (folder === undefined) return rootObjection(path, imported);
  const allowance = ALLOWED[folder];
  if (allowance === undefined) return `src/${folder} has no allowance; give it one in test/tidy/layers.ts`;
  if (ANYWHERE.includes(imported)) return undefined;
  if (imported.startsWith('src/')) {
    const other = folderOf(imported) ?? imported;
    if (other === folder || allowance.folders.includes(other)) return undefined;
    return `${folder} must not import ${imported}; ${adviceFor(folder, allowance)}`;
  }
  if (imported.startsWith('gen/')) {
    if (allowance.gen === true) return undefined;
    return `${folder} must not see generated code; convert in wire, rpc or client and pass plain values`;
  }
  return packageObjection(imported, [...allowance.packages, ...(EXCEPTIONS[path] ?? [])]);
}

function adviceFor(folder: string, { folders }: Allowance): string {
  const below = folders.length === 0 ? 'no other folder' : folders.join(', ');
  return `${folder} may import ${below}: move the shared part to a lower floor, or take it as a port`;
}

function rootObjection(path: string, imported: string): string | undefined {
  if (ANYWHERE.includes(imported)) return undefined;
  if (imported.startsWith('src/') || imported.startsWith('gen/')) {
    return `${path} is imported everywhere, so it must not import ${imported}; move the code that needs it`;
  }
  return packageObjection(imported, ROOT_PACKAGES[path] ?? []);
}

function packageObjection(imported: string, allowed: readonly string[]): string | undefined {
  const name = packageName(imported);
  if (allowed.includes(name)) return undefined;
  if (name === 'node:fs') return 'files are the matter of src/storage; take its file-system port';
  if (name.startsWith('node:') && allowed.includes('node:')) return undefined;
  return `"${imported}" is not for this folder; use it on a higher floor, or take what it does as a port`;
}

/** The package of an import, without the path inside it. */
function packageName(imported: string): string {
  if (imported.startsWith('node:fs')) return 'node:fs';
  if (imported.startsWith('node:')) return imported;
  return imported.split('/', imported.startsWith('@') ? 2 : 1).join('/');
}

function folderOf(path: string): string | undefined {
  return /^src\/(?<folder>[^/]+)\//.exec(path)?.groups?.['folder'];
}

/** Files that import each other in a circle; each circle is reported once, as its path. */
export function importCycles(files: readonly TextFile[]): Breach[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const cycles: Breach[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push(`${[...trail.slice(start), path].join(' -> ')}: move what both need to a third file`);
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

/** Files of src/ that nothing reaches from the entry points: dead code. */
export function unreachableFiles(files: readonly TextFile[], entries: readonly string[]): Breach[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const file = byPath.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    queue.push(...importsOf(file));
  }
  return files
    .filter((file) => !reached.has(file.path))
    .map((file) => at(file, 1, 'nothing that is shipped imports this file; use it or delete it'));
}
