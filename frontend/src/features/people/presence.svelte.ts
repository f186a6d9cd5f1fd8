import { SvelteMap } from "svelte/reactivity";

import type { Presence as Connection } from "../../realtime/realtime";

/** The connections of each person in one channel. */
type Company = Map<string, Set<string>>;

/** Who is here now, as far as the channels that we share tell. A person may be connected several times. */
export class PresenceStore {
  /** By person: in how many channels they were seen. */
  readonly #online = new SvelteMap<string, number>();
  /** By channel: how many people are there. Only of channels that were looked at as a whole. */
  readonly #counts = new SvelteMap<string, number>();
  readonly #lastSeen = new SvelteMap<string, Date>();
  readonly #companies = new Map<string, Company>();
  readonly #current: () => boolean;

  /** `current`: false while nothing can be heard, so that nothing is known. */
  constructor(current: () => boolean = () => true) {
    this.#current = current;
  }

  isOnline(userId: string): boolean {
    return this.#current() && this.#online.has(userId);
  }

  /** How many people are in the channel now; null: not known. */
  onlineIn(channelId: string): number | null {
    return this.#current() ? (this.#counts.get(channelId) ?? null) : null;
  }

  /** When somebody who is not here went, if we saw that. */
  lastSeen(userId: string): Date | null {
    return this.#lastSeen.get(userId) ?? null;
  }

  came(channelId: string, client: string, userId: string): void {
    const company = this.#company(channelId);
    const clients = company.get(userId);
    if (clients) {
      clients.add(client);
      return;
    }
    company.set(userId, new Set([client]));
    this.#online.set(userId, (this.#online.get(userId) ?? 0) + 1);
    this.#lastSeen.delete(userId);
    this.#count(channelId, company);
  }

  went(channelId: string, client: string, userId: string): void {
    if (this.#remove(channelId, client, userId)) this.#lastSeen.set(userId, new Date());
  }

  /** The whole truth about one channel, instead of what was known of it. */
  replace(channelId: string, connections: readonly Connection[]): void {
    const company = this.#company(channelId);
    const now = new Set(connections.map(({ client }) => client));
    for (const [userId, clients] of [...company]) {
      for (const client of [...clients]) if (!now.has(client)) this.#remove(channelId, client, userId);
    }
    for (const { client, userId } of connections) this.came(channelId, client, userId);
    this.#counts.set(channelId, company.size);
  }

  forget(channelId: string): void {
    this.replace(channelId, []);
    this.#companies.delete(channelId);
    this.#counts.delete(channelId);
  }

  /** Comings and goings were missed: all is to be learned again. */
  clear(): void {
    for (const channelId of [...this.#companies.keys()]) this.forget(channelId);
  }

  /** True: this was the last that is known of that person. */
  #remove(channelId: string, client: string, userId: string): boolean {
    const company = this.#company(channelId);
    const clients = company.get(userId);
    if (!clients?.delete(client) || clients.size > 0) return false;
    company.delete(userId);
    this.#count(channelId, company);
    const elsewhere = (this.#online.get(userId) ?? 0) - 1;
    if (elsewhere > 0) this.#online.set(userId, elsewhere);
    else this.#online.delete(userId);
    return elsewhere <= 0;
  }

  #company(channelId: string): Company {
    let company = this.#companies.get(channelId);
    if (!company) this.#companies.set(channelId, (company = new Map()));
    return company;
  }

  #count(channelId: string, company: Company): void {
    if (this.#counts.has(channelId)) this.#counts.set(channelId, company.size);
  }
}
