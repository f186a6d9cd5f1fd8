import type { Realtime } from "../../realtime/realtime";
import type { Entry } from "../../lib/types";
import { ChannelLog, type Learned, type Memory } from "./log.svelte";

/** Channels that are kept as they were left: one comes back to these at once, and reads the others again. */
const KEPT = 20;
/** ... as long as they hold no more entries than this together. */
const KEPT_ENTRIES = 10_000;

/** The logs of the channels that were looked at last. What is not kept costs no memory, whatever is said there. */
export class Logs {
  /** In the order in which they were looked at: the last is the one on screen, and always kept. */
  readonly #logs = new Map<string, ChannelLog>();
  readonly #call: Realtime["call"];
  readonly #learned: Learned;
  readonly #memory: Memory | undefined;

  constructor(call: Realtime["call"], learned: Learned, memory?: Memory) {
    this.#call = call;
    this.#learned = learned;
    this.#memory = memory;
  }

  /** The log of the channel that comes on screen. */
  show(channelId: string): ChannelLog {
    const log =
      this.#logs.get(channelId) ?? new ChannelLog(channelId, this.#call, this.#learned, this.#memory);
    this.#logs.delete(channelId);
    this.#logs.set(channelId, log);
    this.#trim();
    return log;
  }

  /** A live entry. */
  heard(channelId: string, entry: Entry): void {
    this.#logs.get(channelId)?.add(entry);
    this.#trim();
  }

  /** See ChannelLog. */
  live(channelId: string, recovered: boolean, epoch: string): void {
    this.#logs.get(channelId)?.live(recovered, epoch);
  }

  forget(channelId: string): void {
    this.#logs.delete(channelId);
  }

  /** How many are kept. */
  get size(): number {
    return this.#logs.size;
  }

  #trim(): void {
    let entries = 0;
    for (const log of this.#logs.values()) entries += log.timeline.entries.length;
    for (const [id, log] of this.#logs) {
      if (this.#logs.size <= 1 || (this.#logs.size <= KEPT && entries <= KEPT_ENTRIES)) return;
      this.#logs.delete(id);
      entries -= log.timeline.entries.length;
    }
  }
}
