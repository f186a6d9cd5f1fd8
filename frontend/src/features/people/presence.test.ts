import { expect, test } from "vitest";

import { PresenceStore } from "./presence.svelte";

test("somebody with two connections is here until both are gone", () => {
  const presence = new PresenceStore();
  presence.came("c", "1", "ann");
  presence.came("c", "2", "ann");
  presence.went("c", "1", "ann");
  expect(presence.isOnline("ann")).toBe(true);
  presence.went("c", "2", "ann");
  presence.went("c", "2", "ann");
  expect(presence.isOnline("ann")).toBe(false);
});

test("the whole truth about one channel leaves the others alone", () => {
  const presence = new PresenceStore();
  presence.came("c", "1", "ann");
  presence.came("d", "2", "bo");
  presence.replace("c", [{ client: "3", userId: "cleo" }]);
  expect(["ann", "bo", "cleo"].map((id) => presence.isOnline(id))).toEqual([false, true, true]);
  presence.forget("d");
  expect(presence.isOnline("bo")).toBe(false);
});

test("a group's count is known once it was looked at, and then follows", () => {
  const presence = new PresenceStore();
  presence.came("c", "1", "ann");
  expect(presence.onlineIn("c")).toBeNull();
  presence.replace("c", [
    { client: "1", userId: "ann" },
    { client: "2", userId: "ann" },
    { client: "3", userId: "bo" },
  ]);
  expect(presence.onlineIn("c")).toBe(2);
  presence.came("c", "4", "cleo");
  presence.went("c", "1", "ann");
  presence.went("c", "3", "bo");
  expect(presence.onlineIn("c")).toBe(2);
});

test("who goes was last seen then; who is missed after a lost connection was not", () => {
  const presence = new PresenceStore();
  presence.came("c", "1", "ann");
  presence.came("c", "2", "bo");
  presence.went("c", "1", "ann");
  presence.clear();
  expect(presence.isOnline("bo")).toBe(false);
  expect([presence.lastSeen("ann"), presence.lastSeen("bo")]).toEqual([expect.any(Date), null]);
  presence.came("c", "3", "ann");
  expect(presence.lastSeen("ann")).toBeNull();
});

test("nothing is known while nothing can be heard", () => {
  let current = true;
  const presence = new PresenceStore(() => current);
  presence.replace("c", [{ client: "1", userId: "ann" }]);
  current = false;
  expect([presence.isOnline("ann"), presence.onlineIn("c")]).toEqual([false, null]);
});
