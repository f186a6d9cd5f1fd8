import { SvelteMap } from "svelte/reactivity";

import { ServerError } from "../../lib/errors";
import { forget, keysBeginning, recall, remember } from "../../lib/storage";

/** waiting: not yet acknowledged. sent: the log has it, and its entry is on its way. failed: it never will be, as it is. */
export type OutgoingState = "waiting" | "sent" | "failed";

export interface Outgoing {
  /** The client's key: a UUID, the same at every attempt. */
  readonly key: string;
  readonly channelId: string;
  readonly text: string;
  /** Milliseconds since 1970, by this device's clock. */
  readonly writtenAt: number;
  readonly state: OutgoingState;
  /** Why it failed, in the server's words. */
  readonly reason: string;
}

type Publish = (channelId: string, text: string, key: string) => Promise<void>;

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Messages on their way to the log. Each channel's leave one after the other, in the order they were written; what
 * was not acknowledged is kept by the browser and goes out again, with the same key, after a reload or a reconnect.
 */
export class Outbox {
  /** By channel, in the order written. Replaced, never changed in place. */
  readonly #queues = new SvelteMap<string, readonly Outgoing[]>();
  readonly #sending = new Set<string>();
  readonly #publish: Publish;
  readonly #prefix: string;
  #online = false;
  #pause = FIRST_PAUSE_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(userId: string, publish: Publish) {
    this.#publish = publish;
    this.#prefix = `chirpbird.outbox.${userId}.`;
    const kept = keysBeginning(this.#prefix)
      .map((key) => parse(recall(key)))
      .filter((message) => message !== null)
      .sort((a, b) => a.writtenAt - b.writtenAt);
    for (const message of kept) this.#append(message);
  }

  of(channelId: string): readonly Outgoing[] {
    return this.#queues.get(channelId) ?? [];
  }

  /** Channels that something was written to. */
  get channelIds(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** Messages that the log has not got, waiting or failed. */
  get unsent(): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.filter(({ state }) => state !== "sent").length;
    return count;
  }

  send(channelId: string, text: string): Outgoing {
    const key = crypto.randomUUID?.() ?? randomKey();
    const message: Outgoing = { key, channelId, text, writtenAt: Date.now(), state: "waiting", reason: "" };
    this.#append(message);
    this.#keep(message);
    void this.#drain(channelId);
    return message;
  }

  retry(message: Outgoing): void {
    this.#change({ ...message, state: "waiting", reason: "" });
    void this.#drain(message.channelId);
  }

  delete(message: Outgoing): void {
    this.#remove(message.channelId, message.key);
  }

  /** The log has shown the entry with this key: it takes the place of the message here. */
  arrived(channelId: string, key: string): void {
    this.#remove(channelId, key);
  }

  /** The channel is gone: what still waits for it cannot be sent. */
  refuse(channelId: string, reason: string): void {
    for (const message of this.of(channelId)) {
      if (message.state === "waiting") this.#change({ ...message, state: "failed", reason });
    }
  }

  /** Forgets all of it, here and in the browser. */
  clear(): void {
    this.suspend();
    for (const key of keysBeginning(this.#prefix)) forget(key);
    this.#queues.clear();
  }

  /** Connected: whatever waits goes out now. */
  resume(): void {
    this.#online = true;
    this.#pause = FIRST_PAUSE_MS;
    this.#drainAll();
  }

  suspend(): void {
    this.#online = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #drainAll(): void {
    for (const channelId of this.#queues.keys()) void this.#drain(channelId);
  }

  async #drain(channelId: string): Promise<void> {
    if (this.#sending.has(channelId)) return;
    this.#sending.add(channelId);
    try {
      while (this.#online && this.#timer === undefined) {
        const next = this.of(channelId).find(({ state }) => state === "waiting");
        if (!next || !(await this.#attempt(next))) break;
      }
    } finally {
      this.#sending.delete(channelId);
    }
  }

  /** False: not now, a pause has begun. */
  async #attempt(message: Outgoing): Promise<boolean> {
    try {
      await this.#publish(message.channelId, message.text, message.key);
    } catch (error) {
      if (!(error instanceof ServerError) || error.temporary) {
        this.#wait();
        return false;
      }
      this.#change({ ...message, state: "failed", reason: error.message });
      return true;
    }
    this.#pause = FIRST_PAUSE_MS;
    forget(this.#prefix + message.key);
    this.#change({ ...message, state: "sent" });
    return true;
  }

  #wait(): void {
    if (this.#timer !== undefined || !this.#online) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drainAll();
    }, this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }

  #append(message: Outgoing): void {
    this.#queues.set(message.channelId, [...this.of(message.channelId), message]);
  }

  /** Nothing happens if it is not here any more: its entry may have come before the acknowledgement. */
  #change(message: Outgoing): void {
    const queue = this.of(message.channelId);
    if (!queue.some(({ key }) => key === message.key)) return;
    if (message.state !== "sent") this.#keep(message);
    this.#queues.set(
      message.channelId,
      queue.map((other) => (other.key === message.key ? message : other)),
    );
  }

  #remove(channelId: string, key: string): void {
    const queue = this.of(channelId);
    const rest = queue.filter((message) => message.key !== key);
    if (rest.length === queue.length) return;
    forget(this.#prefix + key);
    this.#queues.set(channelId, rest);
  }

  #keep(message: Outgoing): void {
    remember(this.#prefix + message.key, JSON.stringify(message));
  }
}

function parse(text: string | null): Outgoing | null {
  try {
    const {
      key,
      channelId,
      text: body,
      writtenAt,
      state,
      reason,
    } = JSON.parse(text ?? "") as Partial<Outgoing>;
    if (!key || !channelId || !body || !writtenAt) return null;
    return {
      key,
      channelId,
      text: body,
      writtenAt,
      state: state === "failed" ? "failed" : "waiting",
      reason: reason ?? "",
    };
  } catch {
    return null;
  }
}

/** `crypto.randomUUID` exists on secure origins only; a server on a plain LAN address is not one. */
function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
