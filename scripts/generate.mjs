// Regenerates gen/ from proto/ and third_party/: ts-proto stubs and the raw descriptor set that
// reflection serves. With --check, generates into a temporary folder and compares.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const check = process.argv.includes('--check');
const out = check ? mkdtempSync(join(tmpdir(), 'bellwether-gen-')) : '.';

function buf(...args) {
  execFileSync('node_modules/.bin/buf', args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

function filesBelow(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

try {
  if (!check) rmSync('gen', { recursive: true, force: true });
  buf('generate', '--output', out);
  buf(
    'build',
    '--as-file-descriptor-set',
    '--exclude-source-info',
    '-o',
    join(out, 'gen', 'descriptors.binpb'),
  );
  if (check) {
    const fresh = filesBelow(join(out, 'gen'));
    const committed = filesBelow('gen');
    const stale = [...new Set([...fresh, ...committed])].filter(
      (file) =>
        !fresh.includes(file) ||
        !committed.includes(file) ||
        !readFileSync(join(out, 'gen', file)).equals(readFileSync(join('gen', file))),
    );
    if (stale.length > 0) {
      console.error(`gen/ is stale; run "npm run generate" and commit: ${stale.join(', ')}`);
      process.exitCode = 1;
    }
  }
} finally {
  if (check) rmSync(out, { recursive: true, force: true });
}
