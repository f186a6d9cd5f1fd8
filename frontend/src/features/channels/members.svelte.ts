import type { Realtime } from "../../realtime/realtime";
import type { User } from "../../lib/types";
import { channelCommands } from "./commands";

/** The members of one group, a page at a time, in the order of the server. */
export class Members {
  list: readonly User[] = $state.raw([]);
  hasMore = $state(false);
  state: "loading" | "idle" | "failed" = $state("loading");
  readonly #call: Realtime["call"];
  readonly #channelId: string;
  #asked = 0;

  constructor(call: Realtime["call"], channelId: string) {
    this.#call = call;
    this.#channelId = channelId;
  }

  /** From the beginning; what is shown stays until the answer is there. */
  reload(): Promise<void> {
    return this.#read([]);
  }

  more(): Promise<void> {
    return this.#read(this.list);
  }

  async #read(before: readonly User[]): Promise<void> {
    const asked = ++this.#asked;
    this.state = "loading";
    try {
      const page = await channelCommands.members(this.#call, this.#channelId, before.at(-1)?.id);
      if (asked !== this.#asked) return;
      this.list = [...before, ...page.members];
      this.hasMore = page.hasMore;
      this.state = "idle";
    } catch {
      if (asked === this.#asked) this.state = "failed";
    }
  }
}
