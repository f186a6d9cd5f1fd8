import type { Realtime } from "../../realtime/realtime";
import { ChannelLog, type Learned } from "./log.svelte";

/** The logs of all channels that were looked at or written in since the page was loaded. */
export class Logs {
  readonly #logs = new Map<string, ChannelLog>();
  readonly #call: Realtime["call"];
  readonly #learned: Learned;

  constructor(call: Realtime["call"], learned: Learned) {
    this.#call = call;
    this.#learned = learned;
  }

  of(channelId: string): ChannelLog {
    let log = this.#logs.get(channelId);
    if (!log) this.#logs.set(channelId, (log = new ChannelLog(channelId, this.#call, this.#learned)));
    return log;
  }

  forget(channelId: string): void {
    this.#logs.delete(channelId);
  }
}
