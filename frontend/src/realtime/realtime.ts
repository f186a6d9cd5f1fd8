import {
  Centrifuge,
  State,
  SubscriptionState,
  UnauthorizedError,
  type Subscription,
  type TransportEndpoint,
} from "centrifuge";

import { ServerError } from "../lib/errors";
import type { ChannelState, Entry, Position, Snapshot } from "../lib/types";

export type { TransportEndpoint };

/** `stopped`: the SDK gave up and will not come back by itself; `code` is the protocol's. */
export interface LinkState {
  readonly phase: "connecting" | "connected" | "stopped";
  readonly code: number;
}

export type PersonalEvent =
  | { readonly type: "NEW_CHANNEL"; readonly channel: ChannelState }
  | { readonly type: "CHANNEL_GONE"; readonly channelId: string };

/** What happens on the wire, in the chat's words. All are called in the order of the wire. */
export interface RealtimeListener {
  linkChanged(state: LinkState): void;
  /** The state as of now, at every connect. */
  snapshot(snapshot: Snapshot): void;
  personal(event: PersonalEvent): void;
  entry(channelId: string, entry: Entry): void;
  /** A channel is live again. `recovered` false: what was missed must be read from history. */
  live(channelId: string, recovered: boolean, epoch: string): void;
  /** The server has ended the subscription for good: not a member any more. */
  ended(channelId: string): void;
  came(channelId: string, client: string, userId: string): void;
  went(channelId: string, client: string, userId: string): void;
}

/** One connection of the client running in one tab. */
export interface Presence {
  readonly client: string;
  readonly userId: string;
}

/** Thrown by `getToken` when the sign-in is over: the SDK stops then instead of trying again. */
export class SignedOut extends UnauthorizedError {
  constructor() {
    super("signed out");
  }
}

/** The SDK's own errors (timeout, connection lost) are below this; the server's are above. */
const FIRST_SERVER_CODE = 100;
const PERMISSION_DENIED = 103;
const TOKEN_EXPIRED = 109;
const TOO_MANY = 111;
const UNSUBSCRIBED_BY_SERVER = 2000;
const UNSUBSCRIBED_BY_US = 0;
/** Subscribe commands in one frame: at 180 bytes each, well under the server's 64 KiB. */
const BATCH = 200;

/** The connection to the server. The only module that knows Centrifuge. */
export class Realtime {
  readonly #sdk: Centrifuge;
  readonly #listener: RealtimeListener;
  /** Subscriptions whose turn comes when those before them are on their way. */
  readonly #waiting: Subscription[] = [];
  #subscribing = false;

  constructor(endpoints: TransportEndpoint[], getToken: () => Promise<string>, listener: RealtimeListener) {
    this.#listener = listener;
    this.#sdk = new Centrifuge(endpoints, {
      getToken,
      emulationEndpoint: `${location.origin}/emulation`,
      name: "chirpbird-web",
      minReconnectDelay: 300,
      maxReconnectDelay: 10_000,
    });
    this.#sdk.on("connecting", ({ code }) => {
      this.#hold();
      listener.linkChanged({ phase: "connecting", code });
    });
    this.#sdk.on("connected", ({ data }) => {
      listener.snapshot(data as Snapshot);
      void this.#subscribeWaiting();
      listener.linkChanged({ phase: "connected", code: 0 });
    });
    this.#sdk.on("disconnected", ({ code }) => listener.linkChanged({ phase: "stopped", code }));
    this.#sdk.on("publication", ({ data }) => listener.personal(data as PersonalEvent));
    // Transport errors are what `link` tells already; without a listener they would be thrown.
    this.#sdk.on("error", () => undefined);
  }

  connect(): void {
    this.#sdk.connect();
  }

  disconnect(): void {
    this.#sdk.disconnect();
  }

  /** Throws ServerError. */
  async call<T>(method: string, data: object): Promise<T> {
    try {
      return (await this.#sdk.rpc(method, data)).data as T;
    } catch (error) {
      throw serverError(error);
    }
  }

  /** Resolves when the log has the message durably; the same key never makes a second one. Throws ServerError. */
  async publish(channelId: string, text: string, key: string): Promise<void> {
    const subscription = this.#sdk.getSubscription(channelId);
    if (!subscription) throw new ServerError("0", "", "", true);
    try {
      await subscription.publish({ data: text, key });
    } catch (thrown) {
      const error = serverError(thrown);
      // The protocol's word for what people call a message.
      const words = error.message.replace(/^data\b/, "the message");
      throw new ServerError(error.code, words, "", error.temporary);
    }
  }

  /** Subscribes to channels from the given positions on; those followed already go on as they are. */
  follow(channels: Iterable<readonly [channelId: string, since: Position]>): void {
    for (const [channelId, since] of channels) {
      if (this.#sdk.getSubscription(channelId)) continue;
      const subscription = this.#sdk.newSubscription(channelId, {
        since: { offset: since.offset, epoch: since.epoch },
        positioned: true,
        recoverable: true,
        joinLeave: true,
      });
      this.#listen(channelId, subscription);
      this.#waiting.push(subscription);
    }
    void this.#subscribeWaiting();
  }

  unfollow(channelId: string): void {
    const subscription = this.#sdk.getSubscription(channelId);
    if (!subscription) return;
    subscription.removeAllListeners();
    this.#sdk.removeSubscription(subscription);
  }

  /** Everybody who has the channel open somewhere now; empty if it cannot be told. */
  async presence(channelId: string): Promise<Presence[]> {
    const subscription = this.#sdk.getSubscription(channelId);
    if (!subscription) return [];
    try {
      const { clients } = await subscription.presence();
      return Object.values(clients).map(({ client, user }) => ({ client, userId: user }));
    } catch (error) {
      throw serverError(error);
    }
  }

  /**
   * The SDK sends all subscribe commands of a reconnect in one frame, which may be too large for the server with many
   * channels. So all but the first wait for their turn; each keeps its position, and misses nothing.
   */
  #hold(): void {
    const active = Object.values(this.#sdk.subscriptions()).filter(
      ({ state }) => state !== SubscriptionState.Unsubscribed,
    );
    for (const subscription of active.slice(BATCH)) {
      subscription.unsubscribe();
      this.#waiting.push(subscription);
    }
  }

  async #subscribeWaiting(): Promise<void> {
    if (this.#subscribing) return;
    this.#subscribing = true;
    while (this.#waiting.length > 0 && this.#sdk.state === State.Connected) {
      this.#sdk.startBatching();
      for (const subscription of this.#waiting.splice(0, BATCH)) {
        // It may have been removed while it waited.
        if (this.#sdk.getSubscription(subscription.channel) === subscription) subscription.subscribe();
      }
      this.#sdk.stopBatching();
      // The SDK sends what it has gathered at the end of this turn.
      await new Promise((resolve) => setTimeout(resolve));
    }
    this.#subscribing = false;
  }

  #listen(channelId: string, subscription: Subscription): void {
    const listener = this.#listener;
    subscription.on("publication", ({ data }) => listener.entry(channelId, data as Entry));
    subscription.on("subscribed", ({ wasRecovering, recovered, streamPosition }) =>
      listener.live(channelId, recovered || !wasRecovering, streamPosition?.epoch ?? ""),
    );
    subscription.on("unsubscribed", ({ code }) => {
      if (code === UNSUBSCRIBED_BY_US) return;
      this.unfollow(channelId);
      if (code === PERMISSION_DENIED || code === UNSUBSCRIBED_BY_SERVER) listener.ended(channelId);
    });
    subscription.on("join", ({ info }) => listener.came(channelId, info.client, info.user));
    subscription.on("leave", ({ info }) => listener.went(channelId, info.client, info.user));
    subscription.on("error", () => undefined);
  }
}

function serverError(error: unknown): ServerError {
  const {
    code = 0,
    message = "",
    temporary = false,
  } = error as { code?: number; message?: string; temporary?: boolean };
  const again =
    temporary ||
    code < FIRST_SERVER_CODE ||
    code === FIRST_SERVER_CODE ||
    code === TOKEN_EXPIRED ||
    code === TOO_MANY;
  // The SDK's own words ("timeout") are for programmers.
  return new ServerError(String(code), code < FIRST_SERVER_CODE ? "" : message, "", again);
}
