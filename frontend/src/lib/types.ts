/** What the server says, as docs/API.md words it. */

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly name: string;
}

export interface User extends Person {
  readonly createdAt: string;
  readonly updatedAt: string;
}

export type ChannelKind = "public" | "private" | "direct";

export interface Channel {
  readonly id: string;
  readonly kind: ChannelKind;
  /** Empty for a direct channel. */
  readonly name: string;
  readonly isPrivate: boolean;
  readonly creatorId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly memberCount: number;
  /** Both people of a direct channel; of a group only where the API says so. */
  readonly participants?: readonly User[];
}

/** One entry of a channel's log. `type` may be one that this client does not know: such entries are kept and not shown. */
export interface Entry {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  readonly sender: Person;
  readonly createdAt: string;
  /** The text of a `message`. */
  readonly data?: string;
  /** The sender's own key of a `message`. */
  readonly key?: string;
  /** Who a `created`, `joined` or `left` is about. */
  readonly members?: readonly Person[];
}

export interface Position {
  readonly offset: number;
  readonly epoch: string;
}

export interface ChannelState {
  readonly channel: Channel;
  readonly position: Position;
  readonly lastMessage: Entry | null;
}

/** The reply to connect: everything that is needed to be in step with the server. */
export interface Snapshot {
  readonly user: User;
  readonly channels: readonly ChannelState[];
  readonly time: string;
}

export interface Page {
  readonly messages: readonly Entry[];
  readonly position: Position;
  readonly hasMore: boolean;
}

/** Lower and upper bound of what the server takes: see "Limits" in docs/API.md. */
export const LIMITS = {
  username: 32,
  password: 256,
  channelName: 64,
  message: 8000,
  participants: 200,
} as const;
