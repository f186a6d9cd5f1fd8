import { searches } from "../channels/commands";
import type { Realtime } from "../../realtime/realtime";
import type { Channel, User } from "../../lib/types";

const PAUSE_MS = 180;

/** A search box that asks the server when typing pauses; only the answer to the last question counts. */
export class Search {
  query = $state("");
  users: readonly User[] = $state.raw([]);
  channels: readonly Channel[] = $state.raw([]);
  /** An answer is on its way. */
  busy = $state(false);

  readonly #call: Realtime["call"];
  readonly #groups: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(call: Realtime["call"], { groups }: { groups: boolean }) {
    this.#call = call;
    this.#groups = groups;
  }

  get active(): boolean {
    return this.query.trim() !== "";
  }

  type(query: string): void {
    this.query = query;
    clearTimeout(this.#timer);
    this.#asked++;
    this.busy = this.active;
    if (this.active) this.#timer = setTimeout(() => void this.#ask(), PAUSE_MS);
    else this.users = this.channels = [];
  }

  clear(): void {
    this.type("");
  }

  async #ask(): Promise<void> {
    const asked = this.#asked;
    const query = this.query.trim();
    const [users, channels] = await Promise.all([
      searches.users(this.#call, query).catch(() => []),
      this.#groups ? searches.channels(this.#call, query).catch(() => []) : [],
    ]);
    if (asked !== this.#asked) return;
    this.users = users;
    this.channels = channels;
    this.busy = false;
  }
}
