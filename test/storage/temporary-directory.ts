/** A real folder that is gone after the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { onTestFinished } from 'vitest';

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(`${tmpdir()}/bellwether-storage-`);
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
