import type { Realtime } from "../../realtime/realtime";
import type { Entry, Page } from "../../lib/types";
import type { SeenLog } from "../offline/seen";
import type { Place } from "./place";
import { merge, newest, NOTHING, oldest, type Range, type Timeline } from "./timeline";

const PAGE = 50;

export type LoadState = "idle" | "loading" | "failed";

/** Is told of every page that was read. */
export type Learned = (channelId: string, entries: readonly Entry[]) => void;

/** Where the end of logs is kept for when the server cannot be reached. */
export interface Memory {
  /** null: nothing is kept, or the server will tell sooner. */
  recall(channelId: string): Promise<SeenLog | null>;
  keep(channelId: string, timeline: Timeline, epoch: string): void;
}

/** What this page knows of one channel's log, and how it learns more. The only writer of its timeline. */
export class ChannelLog {
  timeline: Timeline = $state.raw(NOTHING);
  /** The newest page has been read once: what is missing from here on is before it or in a hole. */
  opened = $state(false);
  state: LoadState = $state("idle");
  /** Entries at the end were missed and are not read yet. */
  behind = $state(false);
  /** Where the last page went in: decides which end of the list keeps still. */
  grewAt: "start" | "end" = "end";
  /** Where one was reading when one left; null: at the end. */
  place: Place | null = null;

  readonly #channelId: string;
  readonly #call: Realtime["call"];
  readonly #learned: Learned;
  readonly #memory: Memory | undefined;
  #epoch = "";
  /** What is shown was kept by the browser, and may not be the newest. */
  #stale = false;
  #live = false;
  #loading: Promise<void> | null = null;

  constructor(channelId: string, call: Realtime["call"], learned: Learned, memory?: Memory) {
    this.#channelId = channelId;
    this.#call = call;
    this.#learned = learned;
    this.#memory = memory;
  }

  get complete(): boolean {
    return this.opened && oldest(this.timeline) === 1;
  }

  /** A live entry. */
  add(entry: Entry): void {
    this.grewAt = "start";
    this.timeline = merge(this.timeline, [entry], [entry.seq, entry.seq]);
    this.#memory?.keep(this.#channelId, this.timeline, this.#epoch);
  }

  /** The subscription is live. What was missed may be lost to it: then the newest page is read, and a hole stays before it. */
  live(recovered: boolean, epoch: string): void {
    this.#know(epoch);
    this.#live = true;
    if ((!recovered || this.#stale) && this.opened) this.behind = true;
    if (this.behind) void this.catchUp();
    else if (this.state === "failed" && !this.opened) void this.open();
    else if (this.state === "failed") this.state = "idle";
  }

  /** Reads the newest page after entries were missed, once what is being read is there. */
  async catchUp(): Promise<void> {
    await this.#loading;
    if (this.behind) await this.#load({});
  }

  /** Reads the newest page, if that was not done yet; what is kept of it stands in while the server cannot be reached. */
  async open(): Promise<void> {
    if (this.opened) return;
    const kept = await this.#memory?.recall(this.#channelId);
    if (this.opened) return;
    if (!kept) return this.#load({});
    this.#know(kept.epoch);
    this.grewAt = "start";
    this.timeline = merge(this.timeline, kept.entries, kept.range);
    this.opened = this.#stale = true;
    if (this.#live) {
      this.behind = true;
      await this.catchUp();
    }
  }

  /** Reads the page before what is known. */
  loadOlder(): Promise<void> {
    if (!this.opened || this.complete) return Promise.resolve();
    return this.#load({ before: oldest(this.timeline) });
  }

  /** Reads a page into a hole: from its end when one comes from below, from its beginning when from above. */
  fill(hole: Range, from: "end" | "start"): Promise<void> {
    return this.#load(from === "end" ? { before: hole[1] + 1 } : { after: hole[0] - 1 });
  }

  #load(bounds: { before?: number; after?: number }): Promise<void> {
    this.#loading ??= this.#read(bounds).finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #read({ before, after }: { before?: number; after?: number }): Promise<void> {
    this.state = "loading";
    try {
      const page = await this.#call<Page>("fetch_messages", {
        channelId: this.#channelId,
        limit: PAGE,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      });
      this.#take(page, before, after);
      this.#learned(this.#channelId, page.messages);
      this.#memory?.keep(this.#channelId, this.timeline, this.#epoch);
      this.state = "idle";
    } catch {
      this.state = "failed";
    }
  }

  /** Another epoch is another log: nothing that is known holds there. */
  #know(epoch: string): void {
    if (this.#epoch && epoch && epoch !== this.#epoch) this.timeline = NOTHING;
    this.#epoch = epoch || this.#epoch;
  }

  #take({ messages, hasMore, position }: Page, before?: number, after?: number): void {
    this.#know(position.epoch);
    const first = messages[0]?.seq;
    const last = messages.at(-1)?.seq;
    if (after !== undefined) {
      this.grewAt = "end";
      if (last !== undefined) this.timeline = merge(this.timeline, messages, [after + 1, last]);
      return;
    }
    this.grewAt = "start";
    const from = hasMore && first !== undefined ? first : 1;
    const to = before === undefined ? Math.max(last ?? 0, from) : before - 1;
    if (to >= from) this.timeline = merge(this.timeline, messages, [from, to]);
    if (before === undefined) {
      this.opened = true;
      this.behind = this.#stale = false;
    }
  }

  /** The highest `seq` known. */
  get top(): number {
    return newest(this.timeline);
  }
}
