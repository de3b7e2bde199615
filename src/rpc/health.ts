/** Serves grpc.health.v1: whether this broker, and each of its public services, takes requests. */
import type { handleServerStreamingCall, Server, UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { invariant } from '../invariant.js';

/** Full names of the services that clients may ask about, besides '' for the broker as a whole. */
export const PUBLIC_SERVICES = [
  'bellwether.v1.PartitionService',
  'bellwether.v1.MetadataService',
  'bellwether.v1.LogService',
  'bellwether.v1.OffsetService',
  'bellwether.v1.AdminService',
] as const;

/** The health of one broker: NOT_SERVING until `setServing(true)`. */
export interface HealthService {
  /** Tells every watcher at once. */
  setServing(serving: boolean): void;
  /** Reports NOT_SERVING and ends every Watch stream, which never ends by itself. */
  close(): void;
}

/** What a Watch handler and its call look like from outside; the messages do not matter here. */
type WatchHandler = handleServerStreamingCall<unknown, unknown>;
type WatchCall = Parameters<WatchHandler>[0];

/** Adds the health service to a server. */
export function addHealthService(server: Pick<Server, 'addService'>): HealthService {
  const health = new HealthImplementation();
  const watchCalls = new Set<WatchCall>();
  const setServing = (serving: boolean): void => {
    for (const service of ['', ...PUBLIC_SERVICES]) {
      health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING');
    }
  };

  setServing(false);
  health.addToServer({
    addService: (definition, handlers) => {
      server.addService(definition, rememberWatchCalls(handlers, watchCalls));
    },
  });
  return {
    setServing,
    close: () => {
      setServing(false);
      for (const call of watchCalls) call.end();
    },
  };
}

/** grpc-health-check keeps its Watch calls to itself; this wraps the method to end them at shutdown. */
function rememberWatchCalls(
  handlers: UntypedServiceImplementation,
  watchCalls: Set<WatchCall>,
): UntypedServiceImplementation {
  const watch = handlers['watch'] as WatchHandler | undefined;
  invariant(watch !== undefined, 'grpc-health-check implements Watch');
  const remembering: WatchHandler = (call) => {
    watchCalls.add(call);
    call.on('cancelled', () => watchCalls.delete(call));
    watch(call);
  };
  return { ...handlers, watch: remembering };
}
