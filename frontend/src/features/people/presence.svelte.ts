import { SvelteSet } from "svelte/reactivity";

import type { Presence as Connection } from "../../realtime/realtime";

/** Who is here now, as far as the channels that we share tell. A person may be connected several times. */
export class PresenceStore {
  readonly #online = new SvelteSet<string>();
  /** By person: "channel client" of every connection known. */
  readonly #connections = new Map<string, Set<string>>();

  isOnline(userId: string): boolean {
    return this.#online.has(userId);
  }

  came(channelId: string, client: string, userId: string): void {
    const known = this.#connections.get(userId);
    if (known) known.add(`${channelId} ${client}`);
    else this.#connections.set(userId, new Set([`${channelId} ${client}`]));
    this.#online.add(userId);
  }

  went(channelId: string, client: string, userId: string): void {
    const known = this.#connections.get(userId);
    if (!known?.delete(`${channelId} ${client}`) || known.size > 0) return;
    this.#connections.delete(userId);
    this.#online.delete(userId);
  }

  /** The whole truth about one channel, instead of what was known of it. */
  replace(channelId: string, connections: readonly Connection[]): void {
    const now = new Set(connections.map(({ client }) => client));
    for (const [userId, known] of [...this.#connections]) {
      for (const connection of [...known]) {
        const [channel, client = ""] = connection.split(" ");
        if (channel === channelId && !now.has(client)) this.went(channelId, client, userId);
      }
    }
    for (const { client, userId } of connections) this.came(channelId, client, userId);
  }

  forget(channelId: string): void {
    this.replace(channelId, []);
  }
}
