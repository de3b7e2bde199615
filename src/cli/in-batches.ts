/** Many calls with few of them at once. */

/** Runs `call` for every item, at most `atOnceMax` together. Results in the order of the items. */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  atOnceMax: number,
  call: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += atOnceMax) {
    results.push(...(await Promise.all(items.slice(start, start + atOnceMax).map(call))));
  }
  return results;
}
