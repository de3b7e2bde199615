/** Owns the shape of a handler: one message type, its checked body, one reply. */
import type { z } from 'zod';
import type { BellwetherClient } from '../../client/types.js';
import type { CallBudget } from '../call-budget.js';
import type { Request } from '../envelope.js';
import type { FirstUse } from '../first-use.js';
import { parseBody } from '../messages.js';
import type { Reply } from '../replies.js';

/** What a handler works with. */
export interface HandlerContext {
  readonly client: BellwetherClient;
  readonly firstUse: FirstUse;
  /** Time left to this message. */
  readonly budget: CallBudget;
  /** Exact JSON source text of a field of the body. Undefined when there is none. */
  source(field: string): string | undefined;
}

/** Serves one request. Rejects with BridgeError or BellwetherError. */
export type Handler = (request: Request, tools: Omit<HandlerContext, 'source'>) => Promise<Reply>;

/** Makes a handler of a schema and of what to do with a body that fits it. */
export function handler<Schema extends z.ZodType>(
  schema: Schema,
  serve: (body: z.output<Schema>, context: HandlerContext) => Promise<Reply>,
): Handler {
  return async (request, tools) => {
    const body = parseBody(schema, request.body);
    return serve(body, { ...tools, source: (field) => request.source(field) });
  };
}
