import type { Realtime } from "../../realtime/realtime";
import type { Channel, ChannelState, User } from "../../lib/types";

type Call = Realtime["call"];

/** What one can do with channels. All throw ServerError. */
export const channelCommands = {
  create: async (call: Call, name: string, isPrivate: boolean, participants: readonly string[]) =>
    (await call<{ channel: ChannelState }>("create_channel", { name, isPrivate, participants })).channel,
  openDirect: async (call: Call, userId: string) =>
    (await call<{ channel: ChannelState }>("open_direct", { userId })).channel,
  join: async (call: Call, channelId: string) =>
    (await call<{ channel: ChannelState }>("join_channel", { channelId })).channel,
  leave: (call: Call, channelId: string) => call<object>("leave_channel", { channelId }),
  addMembers: (call: Call, channelId: string, userIds: readonly string[]) =>
    call<{ channel: Channel }>("add_members", { channelId, userIds }),
  fetch: async (call: Call, channelId: string) =>
    (await call<{ channel: Channel }>("fetch_channel", { channelId })).channel,
  members: (call: Call, channelId: string, after?: string) =>
    call<{ members: User[]; hasMore: boolean }>("fetch_members", { channelId, ...(after ? { after } : {}) }),
};

/** Finding people and groups. All throw ServerError. */
export const searches = {
  users: async (call: Call, query: string) =>
    (await call<{ users: User[] }>("search_users", { query })).users,
  channels: async (call: Call, query: string) =>
    (await call<{ channels: Channel[] }>("search_channels", { query })).channels,
};
