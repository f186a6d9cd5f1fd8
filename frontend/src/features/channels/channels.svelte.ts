import { SvelteMap } from "svelte/reactivity";

import { t } from "../../i18n";
import type { Channel, ChannelState, Entry, User } from "../../lib/types";
import { byActivity } from "./order";

/** One of one's channels, as the list and the conversation show it. Replaced, never changed in place. */
export interface ChannelItem {
  readonly id: string;
  readonly channel: Channel;
  /** The group's name, or the other person's. */
  readonly title: string;
  /** The other person of a direct channel. */
  readonly other: User | null;
  readonly lastMessage: Entry | null;
  readonly activeAt: number;
}

/** One's channels. The only writer of the list. */
export class Channels {
  /** There is a list: the server's, or the one kept from the last time. */
  ready = $state(false);
  /** The server has said which there are. */
  confirmed = $state(false);
  readonly #me: string;
  readonly #items = new SvelteMap<string, ChannelItem>();

  readonly sorted: readonly ChannelItem[] = $derived(byActivity(this.#items.values()));

  constructor(me: string) {
    this.#me = me;
  }

  get(id: string): ChannelItem | undefined {
    return this.#items.get(id);
  }

  put({ channel, lastMessage }: ChannelState): ChannelItem {
    const known = this.#items.get(channel.id);
    const newer =
      known?.lastMessage && known.lastMessage.seq > (lastMessage?.seq ?? 0) ? known.lastMessage : lastMessage;
    return this.#set(
      { ...channel, participants: channel.participants ?? known?.channel.participants },
      newer,
    );
  }

  /** Takes the server's list: returns those that are not in it any more. */
  replace(states: readonly ChannelState[]): ChannelItem[] {
    const present = new Set(states.map(({ channel }) => channel.id));
    const gone = [...this.#items.values()].filter(({ id }) => !present.has(id));
    for (const { id } of gone) this.#items.delete(id);
    for (const state of states) this.put(state);
    this.ready = this.confirmed = true;
    return gone;
  }

  /** Takes the list of the last time, until the server has said which there are. */
  recall(states: readonly ChannelState[]): void {
    if (this.confirmed) return;
    for (const state of states) this.put(state);
    this.ready = true;
  }

  /** The list as it is to be kept. */
  get states(): ChannelState[] {
    return [...this.#items.values()].map(({ channel, lastMessage }) => ({
      channel,
      lastMessage,
      position: { offset: 0, epoch: "" },
    }));
  }

  remove(id: string): ChannelItem | undefined {
    const item = this.#items.get(id);
    this.#items.delete(id);
    return item;
  }

  /** A new entry of a channel's log. */
  heard(id: string, entry: Entry): void {
    const item = this.#items.get(id);
    if (!item) return;
    if (entry.type === "message" && entry.seq > (item.lastMessage?.seq ?? 0)) this.#set(item.channel, entry);
    const change = entry.type === "joined" ? 1 : entry.type === "left" ? -1 : 0;
    if (!change) return;
    const memberCount = item.channel.memberCount + change * (entry.members?.length ?? 0);
    this.#set({ ...item.channel, memberCount: Math.max(1, memberCount) }, item.lastMessage);
  }

  #set(channel: Channel, lastMessage: Entry | null): ChannelItem {
    const other =
      channel.kind === "direct" ? (channel.participants?.find(({ id }) => id !== this.#me) ?? null) : null;
    const title = channel.kind === "direct" ? (other?.name ?? t.channels.nobody) : channel.name;
    const activeAt = Date.parse(lastMessage?.createdAt ?? channel.createdAt);
    const item: ChannelItem = { id: channel.id, channel, title, other, lastMessage, activeAt };
    this.#items.set(channel.id, item);
    return item;
  }
}
