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
