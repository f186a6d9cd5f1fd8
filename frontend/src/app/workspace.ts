import { createContext } from "svelte";

import { channelCommands } from "../features/channels/commands";
import { Channels, type ChannelItem } from "../features/channels/channels.svelte";
import { countDrafts, forgetDrafts } from "../features/conversation/drafts";
import { Logs } from "../features/conversation/logs";
import { Outbox } from "../features/conversation/outbox.svelte";
import { notifications } from "../features/notifications/notifications.svelte";
import { Missed } from "../features/notifications/unread.svelte";
import { LogMemory } from "../features/offline/memory";
import { Seen } from "../features/offline/seen";
import { PresenceStore } from "../features/people/presence.svelte";
import type { Session } from "../features/session/session.svelte";
import { t } from "../i18n";
import { ServerError } from "../lib/errors";
import type { ChannelState, Entry, Snapshot, User } from "../lib/types";
import {
  Realtime,
  SignedOut,
  type LinkState,
  type PersonalEvent,
  type RealtimeListener,
  type TransportEndpoint,
} from "../realtime/realtime";
import { Link } from "./link.svelte";
import { notices } from "./notices.svelte";
import { router } from "./router.svelte";

const UNAUTHORIZED = 1;
const INVALID_TOKEN = 3500;

/** Everything that one signed-in person has open: joins the stores to the connection, and knows nothing else. */
export class Workspace implements RealtimeListener {
  readonly me: User;
  readonly channels: Channels;
  readonly logs: Logs;
  readonly outbox: Outbox;
  readonly link = new Link();
  readonly missed = new Missed();
  readonly presence = new PresenceStore(() => this.link.words === null);
  readonly realtime: Realtime;
  readonly call: Realtime["call"];
  readonly #session: Session;
  readonly #seen: Seen;
  readonly #memory: LogMemory;
  /** Channels that we are leaving ourselves: no words needed when they go. */
  readonly #leaving = new Set<string>();

  constructor(me: User, session: Session) {
    this.me = me;
    this.#session = session;
    this.realtime = new Realtime(endpoints(), () => this.#token(), this);
    this.call = (method, data) => this.realtime.call(method, data);
    this.channels = new Channels(me.id);
    this.#seen = new Seen(me.id);
    this.#memory = new LogMemory(this.#seen, () => this.link.connected);
    this.logs = new Logs(
      this.call,
      (channelId, entries) => {
        for (const entry of entries) this.#settle(channelId, entry);
      },
      this.#memory,
    );
    this.outbox = new Outbox(me.id, (channelId, text, key) => this.realtime.publish(channelId, text, key));
  }

  start(): void {
    this.realtime.connect();
    addEventListener("pagehide", this.#keep);
    void this.#seen.channels().then((kept) => kept && this.channels.recall(kept));
  }

  stop(): void {
    this.outbox.suspend();
    this.realtime.disconnect();
    removeEventListener("pagehide", this.#keep);
    this.#seen.close();
  }

  /** Shows a channel that the server has just said to be ours. */
  adopt(state: ChannelState): ChannelItem {
    const item = this.channels.put(state);
    this.realtime.follow([[state.channel.id, state.position]]);
    return item;
  }

  /** What only this browser has, and what would be lost with it. */
  get unsaved(): { messages: number; drafts: number } {
    return { messages: this.outbox.unsent, drafts: countDrafts(this.me.id) };
  }

  /** Signs out, and leaves nothing that one wrote in this browser. */
  signOut(): void {
    this.#seen.close();
    void this.#session.signOut();
    this.outbox.clear();
    forgetDrafts(this.me.id);
    router.go(null, { replace: true });
  }

  async leave(channelId: string): Promise<void> {
    this.#leaving.add(channelId);
    try {
      await channelCommands.leave(this.call, channelId);
      this.#lose(channelId);
    } finally {
      this.#leaving.delete(channelId);
    }
  }

  linkChanged(state: LinkState): void {
    this.link.update(state);
    if (state.phase === "connected") this.outbox.resume();
    else this.outbox.suspend();
    if (state.phase === "stopped" && (state.code === UNAUTHORIZED || state.code === INVALID_TOKEN))
      this.#session.ended();
  }

  snapshot({ channels }: Snapshot): void {
    this.presence.clear();
    for (const item of this.channels.replace(channels)) this.#forget(item);
    // Written before a reload, to a channel that was lost in the meantime.
    for (const id of this.outbox.channelIds) {
      if (!this.channels.get(id)) this.outbox.refuse(id, t.conversation.goneFailure);
    }
    this.realtime.follow(channels.map(({ channel, position }) => [channel.id, position] as const));
    this.#keep();
  }

  personal(event: PersonalEvent): void {
    if (event.type === "NEW_CHANNEL") this.adopt(event.channel);
    else if (event.type === "CHANNEL_GONE") this.#lose(event.channelId);
  }

  entry(channelId: string, entry: Entry): void {
    this.logs.heard(channelId, entry);
    this.channels.heard(channelId, entry);
    this.#settle(channelId, entry);
    this.#notice(channelId, entry);
  }

  /** Somebody looks at the channel now, if the window is looked at. */
  look(channelId: string | null): void {
    if (channelId !== null && document.hasFocus()) this.missed.seen(channelId);
  }

  live(channelId: string, recovered: boolean, epoch: string): void {
    this.logs.live(channelId, recovered, epoch);
    if (this.channels.get(channelId)?.other || channelId === router.channelId)
      void this.lookAround(channelId);
  }

  ended(channelId: string): void {
    this.#lose(channelId);
  }

  came(channelId: string, client: string, userId: string): void {
    this.presence.came(channelId, client, userId);
  }

  went(channelId: string, client: string, userId: string): void {
    this.presence.went(channelId, client, userId);
  }

  /** Learns who is in the channel now; from then on comings and goings tell. */
  async lookAround(channelId: string): Promise<void> {
    try {
      this.presence.replace(channelId, await this.realtime.presence(channelId));
    } catch {
      // Presence is a nicety: the dots stay as they are.
      return;
    }
  }

  /** Somebody else has said something that nobody looks at. */
  #notice(channelId: string, { type, sender, data }: Entry): void {
    if (type !== "message" || sender.id === this.me.id) return;
    if (channelId === router.channelId && document.hasFocus()) return;
    this.missed.add(channelId);
    const item = this.channels.get(channelId);
    if (!item) return;
    const title = item.other ? sender.name : `${sender.name} · ${item.title}`;
    notifications.tell(title, data ?? "", channelId, () => router.go(channelId));
  }

  /** A message of ours has come back from the log: the outbox is done with it. */
  #settle(channelId: string, entry: Entry): void {
    if (entry.sender.id === this.me.id && entry.key) this.outbox.arrived(channelId, entry.key);
  }

  #lose(channelId: string): void {
    const item = this.channels.remove(channelId);
    if (item) this.#forget(item);
  }

  #forget({ id, title }: ChannelItem): void {
    this.realtime.unfollow(id);
    this.logs.forget(id);
    this.#memory.forget(id);
    this.presence.forget(id);
    this.missed.seen(id);
    this.outbox.refuse(id, t.conversation.goneFailure);
    if (!this.#leaving.has(id)) notices.say(t.channels.gone(title));
    if (router.channelId === id) router.go(null, { replace: true });
  }

  /** Has the browser keep what was seen. */
  readonly #keep = (): void => {
    if (this.channels.confirmed) void this.#seen.keepChannels(this.channels.states);
    void this.#memory.flush();
  };

  async #token(): Promise<string> {
    try {
      return await this.#session.token();
    } catch (error) {
      if (error instanceof ServerError && !error.temporary) throw new SignedOut();
      throw error;
    }
  }
}

export const [getWorkspace, setWorkspace] = createContext<Workspace>();

/** In the order in which they are tried: not every proxy lets WebSockets through. */
function endpoints(): TransportEndpoint[] {
  const { protocol, host, origin } = location;
  return [
    {
      transport: "websocket",
      endpoint: `${protocol === "https:" ? "wss" : "ws"}://${host}/connection/websocket`,
    },
    { transport: "http_stream", endpoint: `${origin}/connection/http_stream` },
    { transport: "sse", endpoint: `${origin}/connection/sse` },
  ];
}
