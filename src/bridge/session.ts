/** Owns what `init` sets up, once: the node's name and the cluster behind it. */
import type { BellwetherClient } from '../client/types.js';
import { BellwetherError } from '../errors.js';
import type { Request } from './envelope.js';
import { FirstUse } from './first-use.js';
import { BridgeError, MAELSTROM_CODE, messageOf } from './maelstrom-errors.js';
import { initBody, parseBody } from './messages.js';
import type { Reply } from './replies.js';

/** A cluster to serve, and what to do when the bridge is done with it. */
export interface BridgeCluster {
  readonly client: BellwetherClient;
  /** Ends the client, and the cluster if it was made for the bridge. */
  close(): Promise<void>;
}

/** Connects to a cluster, or makes one of brokers with these names, the first one to lead first. */
export type OpenCluster = (nodeIds: readonly string[]) => Promise<BridgeCluster>;

interface OpenSession {
  readonly nodeId: string;
  readonly cluster: BridgeCluster;
  readonly firstUse: FirstUse;
}

/** The state between init and the end of input. */
export class Session {
  readonly #openCluster: OpenCluster;
  #open: OpenSession | undefined;
  #opening: Promise<void> | undefined;
  #isClosed = false;

  constructor(openCluster: OpenCluster) {
    this.#openCluster = openCluster;
  }

  /** The node's own name. Undefined before init. */
  get nodeId(): string | undefined {
    return this.#open?.nodeId;
  }

  /** Serves init. Calls must not overlap. Rejects with code 22 when there is a cluster already. */
  async init(request: Request): Promise<Reply> {
    const body = parseBody(initBody, request.body);
    this.#requireInput();
    if (this.#open !== undefined) {
      throw refusal(`body.type: init was already served, this node is ${this.#open.nodeId}`);
    }
    this.#opening = this.#openAs(body.node_id, body.node_ids);
    await this.#opening;
    return { type: 'init_ok', fields: {} };
  }

  /** What handlers need. Throws code 22 before init and after close. */
  tools(): { readonly client: BellwetherClient; readonly firstUse: FirstUse } {
    this.#requireInput();
    if (this.#open === undefined) throw refusal('body.type: init comes first');
    return { client: this.#open.cluster.client, firstUse: this.#open.firstUse };
  }

  /** Closes the cluster; one that is still being opened is closed when it is open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Its error was the answer to init.
    await this.#opening?.catch(() => undefined);
    await this.#open?.cluster.close();
  }

  async #openAs(nodeId: string, nodeIds: readonly string[]): Promise<void> {
    try {
      const cluster = await this.#openCluster(nodeIds);
      this.#open = { nodeId, cluster, firstUse: new FirstUse(cluster.client) };
    } catch (error) {
      const reason = error instanceof BellwetherError ? error.reason : 'INTERNAL';
      throw new BridgeError(MAELSTROM_CODE.CRASH, `init failed: ${messageOf(error)}`, reason, error);
    }
    this.#requireInput();
  }

  /** A message that waited for its turn beyond the end must not start: nobody gets its answer. */
  #requireInput(): void {
    if (this.#isClosed) throw refusal('too late: the input has ended');
  }
}

function refusal(text: string): BridgeError {
  return new BridgeError(MAELSTROM_CODE.PRECONDITION_FAILED, text);
}
