/** Changes how much of the topic is kept, while records are written and deleted: brokers delete by it then. */

import { alterTopicConfig } from '../broker/topics.js';
import { UNLIMITED } from '../cluster/topic-config.js';
import { BellwetherError } from '../errors.js';
import { TOPIC } from './producers.js';
import type { Random } from './random.js';
import type { World } from './world.js';

const TIMEOUT_MS = 2_000;
/** Bytes of record batches: from a few of them to more than a run writes. */
const KEPT_BYTES_MIN = 200;
const KEPT_BYTES_MAX = 20_000;
/** From what the records of the last second are, to more than a run takes: then only a clock that jumped deletes. */
const KEPT_MS_MIN = 1_000;
const KEPT_MS_MAX = 40_000;
const SEGMENT_BYTES_MIN = 1_048_576;
const SEGMENT_BYTES_MAX = 4 * SEGMENT_BYTES_MIN;

/** Asks any broker, once. The checkers know of it before anybody else does. */
export async function alterRetention(world: World, random: Random): Promise<void> {
  const kept = random.chance(0.3) ? UNLIMITED : Math.floor(random.between(KEPT_BYTES_MIN, KEPT_BYTES_MAX));
  const segmentBytes = Math.floor(random.between(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX));
  const keptMs = random.chance(0.5) ? UNLIMITED : Math.floor(random.between(KEPT_MS_MIN, KEPT_MS_MAX));
  const set = { retention_bytes: kept, retention_ms: keptMs, segment_bytes: segmentBytes };
  if (kept !== UNLIMITED) world.safety.keepsOnly(kept);
  if (keptMs !== UNLIMITED) world.safety.keepsNoOlder(keptMs);
  try {
    await world.port.call(random.pick(world.ids), TIMEOUT_MS, (broker) =>
      alterTopicConfig(broker, TOPIC, { set, reset: [] }, TIMEOUT_MS),
    );
  } catch (error) {
    if (!(error instanceof BellwetherError)) throw error;
  }
}
