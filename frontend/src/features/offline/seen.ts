import { clear, createStore, del, get, set, type UseStore } from "idb-keyval";

import type { ChannelState, Entry } from "../../lib/types";
import type { Range } from "../conversation/timeline";

/** The end of a channel's log, as it was seen last. */
export interface SeenLog {
  readonly entries: readonly Entry[];
  readonly range: Range;
  readonly epoch: string;
}

/** So many entries of a channel are kept. */
const KEPT = 200;

let database: UseStore | null = null;

/**
 * What one person has seen, kept by the browser for when the server cannot be reached. A comfort: where the browser
 * keeps nothing, nothing is remembered, and all goes on.
 */
export class Seen {
  readonly #user: string;
  #closed = false;

  constructor(userId: string) {
    this.#user = userId;
  }

  channels(): Promise<readonly ChannelState[] | null> {
    return this.#get("channels");
  }

  keepChannels(channels: readonly ChannelState[]): Promise<void> {
    return this.#set("channels", channels);
  }

  log(channelId: string): Promise<SeenLog | null> {
    return this.#get(`log/${channelId}`);
  }

  /** Of what is complete up to the end, the last entries. */
  keepLog(channelId: string, entries: readonly Entry[], [from, to]: Range, epoch: string): Promise<void> {
    const last = entries.filter(({ seq }) => seq >= from && seq <= to).slice(-KEPT);
    const first = last.length === KEPT ? (last[0]?.seq ?? from) : from;
    const log: SeenLog = { entries: last, range: [first, to], epoch };
    return this.#set(`log/${channelId}`, log);
  }

  async forgetLog(channelId: string): Promise<void> {
    await attempt(() => del(this.#key(`log/${channelId}`), store()));
  }

  /** From here on nothing is kept any more. */
  close(): void {
    this.#closed = true;
  }

  #key(name: string): string {
    return `${this.#user}/${name}`;
  }

  async #get<T>(name: string): Promise<T | null> {
    return (await attempt(() => get<T>(this.#key(name), store()))) ?? null;
  }

  async #set(name: string, value: unknown): Promise<void> {
    if (!this.#closed) await attempt(() => set(this.#key(name), value, store()));
  }
}

/** Deletes what anybody has seen in this browser. */
export async function forgetSeen(): Promise<void> {
  await attempt(() => clear(store()));
}

function store(): UseStore {
  return (database ??= createStore("chirpbird", "seen"));
}

async function attempt<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch {
    // Forbidden, full, or gone: as if nothing had been kept.
    return undefined;
  }
}
