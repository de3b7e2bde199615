/** Waits to be told to stop: Ctrl-C or SIGTERM. */

/** Resolves at the first SIGINT or SIGTERM; until `dispose` further ones are swallowed. */
export function stopSignal(): { readonly received: Promise<NodeJS.Signals>; dispose(): void } {
  let notify: (signal: NodeJS.Signals) => void = () => undefined;
  const received = new Promise<NodeJS.Signals>((resolve) => {
    notify = resolve;
  });
  process.on('SIGINT', notify);
  process.on('SIGTERM', notify);
  return {
    received,
    dispose() {
      process.off('SIGINT', notify);
      process.off('SIGTERM', notify);
    },
  };
}
