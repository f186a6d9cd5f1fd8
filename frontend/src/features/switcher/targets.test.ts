import { expect, it } from "vitest";

import type { Channel, User } from "../../lib/types";
import type { ChannelItem } from "../channels/channels.svelte";
import { targetsFor } from "./targets";

const person = (name: string): User => ({
  id: `u-${name}`,
  username: name,
  name,
  createdAt: "",
  updatedAt: "",
});
const item = (title: string, other: User | null = null) =>
  ({
    id: `c-${title}`,
    title,
    other,
    channel: { kind: other ? "direct" : "public" },
  }) as unknown as ChannelItem;
const group = (name: string) => ({ id: `c-${name}`, name }) as unknown as Channel;

const recent = [item("Tea"), item("Bob", person("bob")), item("Pond watch")];
const names = (query: string, people: User[] = [], groups: Channel[] = []) =>
  targetsFor(query, recent, people, groups).map(({ kind, name }) => `${kind} ${name}`);

it("shows the most recent before anything is typed, and nothing that is not one's own", () => {
  expect(names("", [person("eve")])).toEqual(["channel Tea", "channel Bob", "channel Pond watch"]);
});

it("puts one's own first, then people and groups whom one has not got yet", () => {
  expect(names("b", [person("bob"), person("barb")], [group("Boats"), group("Tea")])).toEqual([
    "channel Bob",
    "person barb",
    "group Boats",
  ]);
});
