/** One file of the faulty disk: what is durable, what is visible, and what of the rest a crash keeps. */

/** Which bytes of an unsynced write survive a crash. */
export type KeepByte = (index: number, length: number) => boolean;

export const KEEP_ALL: KeepByte = () => true;

export interface Inode {
  durable: Uint8Array;
  visible: Uint8Array;
  unsynced: Change[];
}

export type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number };

export function written(buffers: readonly Uint8Array[], position: number): Change {
  return { kind: 'write', position, bytes: Uint8Array.from(Buffer.concat(buffers)) };
}

export function diskError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export function applyChange(content: Uint8Array, change: Change, keep: KeepByte): Uint8Array {
  if (change.kind === 'truncate') {
    const cut = new Uint8Array(change.size);
    cut.set(content.subarray(0, change.size));
    return cut;
  }
  const { position, bytes } = change;
  if (keep === KEEP_ALL) {
    const whole = new Uint8Array(Math.max(content.length, position + bytes.length));
    whole.set(content);
    whole.set(bytes, position);
    return whole;
  }
  const kept = [...bytes.keys()].filter((i) => keep(i, bytes.length));
  const grown = new Uint8Array(Math.max(content.length, position + 1 + (kept.at(-1) ?? -1 - position)));
  grown.set(content);
  for (const i of kept) grown[position + i] = bytes[i] ?? 0;
  return grown;
}
