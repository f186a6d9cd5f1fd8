import type { Memory } from "../conversation/log.svelte";
import type { Timeline } from "../conversation/timeline";
import type { Seen, SeenLog } from "./seen";

/** A burst of messages is written down once. */
const PAUSE_MS = 800;

/** Keeps the ends of the logs that are open, a moment after they changed. */
export class LogMemory implements Memory {
  readonly #seen: Seen;
  readonly #reachable: () => boolean;
  readonly #changed = new Map<string, { timeline: Timeline; epoch: string }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `reachable`: the server can be asked now. */
  constructor(seen: Seen, reachable: () => boolean) {
    this.#seen = seen;
    this.#reachable = reachable;
  }

  recall(channelId: string): Promise<SeenLog | null> {
    return this.#reachable() ? Promise.resolve(null) : this.#seen.log(channelId);
  }

  keep(channelId: string, timeline: Timeline, epoch: string): void {
    this.#changed.set(channelId, { timeline, epoch });
    this.#timer ??= setTimeout(() => void this.flush(), PAUSE_MS);
  }

  forget(channelId: string): void {
    this.#changed.delete(channelId);
    void this.#seen.forgetLog(channelId);
  }

  /** Writes down what has changed. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const [channelId, { timeline, epoch }] of changed) {
      const range = timeline.ranges.at(-1);
      if (range) await this.#seen.keepLog(channelId, timeline.entries, range, epoch);
    }
  }
}
