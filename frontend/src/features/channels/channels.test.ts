import { expect, test } from "vitest";

import type { ChannelState, Entry, User } from "../../lib/types";
import { Channels } from "./channels.svelte";

const time = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const user = (id: string): User => ({
  id,
  username: id,
  name: id.toUpperCase(),
  createdAt: time(0),
  updatedAt: time(0),
});
const message = (seq: number, second: number, more: Partial<Entry> = {}): Entry => ({
  id: `c.${seq}`,
  seq,
  type: "message",
  sender: user("a"),
  createdAt: time(second),
  data: `text ${seq}`,
  ...more,
});
const state = (id: string, lastMessage: Entry | null, more: object = {}): ChannelState => ({
  channel: {
    id,
    kind: "public",
    name: `group ${id}`,
    isPrivate: false,
    creatorId: "a",
    createdAt: time(0),
    updatedAt: time(0),
    memberCount: 2,
    ...more,
  },
  position: { offset: lastMessage?.seq ?? 1, epoch: "e" },
  lastMessage,
});
const ids = (channels: Channels) => channels.sorted.map(({ id }) => id);

test("a message moves its channel to the top; an older one does not", () => {
  const channels = new Channels("me");
  channels.replace([state("x", message(5, 5)), state("y", message(5, 9))]);
  expect(ids(channels)).toEqual(["y", "x"]);
  channels.heard("x", message(6, 20));
  expect(ids(channels)).toEqual(["x", "y"]);
  channels.heard("x", message(4, 30));
  expect(channels.get("x")?.lastMessage?.seq).toBe(6);
});

test("the server's list says which are gone, and does not take back newer messages", () => {
  const channels = new Channels("me");
  channels.replace([state("x", message(5, 5)), state("y", null)]);
  channels.heard("x", message(6, 6));
  expect(channels.replace([state("x", message(5, 5))]).map(({ id }) => id)).toEqual(["y"]);
  expect(channels.get("x")?.lastMessage?.seq).toBe(6);
  expect(channels.get("y")).toBeUndefined();
});

test("a direct channel has the other person's name", () => {
  const channels = new Channels("me");
  const item = channels.put(
    state("d", null, { kind: "direct", name: "", participants: [user("me"), user("ann")] }),
  );
  expect([item.title, item.other?.id]).toEqual(["ANN", "ann"]);
});

test("coming and going changes the count of members", () => {
  const channels = new Channels("me");
  channels.put(state("x", null));
  channels.heard("x", message(2, 2, { type: "joined", members: [user("a"), user("b")] }));
  expect(channels.get("x")?.channel.memberCount).toBe(4);
  channels.heard("x", message(3, 3, { type: "left", members: [user("a")] }));
  expect(channels.get("x")?.channel.memberCount).toBe(3);
});
