/** File systems with one defect each, around that of the simulated disk. */

import type { FileSystem, StorageFile } from '../../storage/file-system.js';

/** Tries a failed sync again and believes the second answer (fsyncgate, B10). */
export function retriesSync(real: FileSystem): FileSystem {
  const retrying = (file: StorageFile): StorageFile => ({
    ...file,
    sync: () => file.sync().catch(() => file.sync()),
    writeSynced: async (buffers, position) => {
      await file.write(buffers, position);
      await file.sync().catch(() => file.sync());
    },
  });
  return { ...real, open: async (path, options) => retrying(await real.open(path, options)) };
}

/** Never makes a name durable. */
export function forgetsDirectories(real: FileSystem): FileSystem {
  return { ...real, syncDirectory: () => Promise.resolve() };
}
