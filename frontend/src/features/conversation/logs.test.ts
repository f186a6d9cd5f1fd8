import { expect, test } from "vitest";

import type { Realtime } from "../../realtime/realtime";
import type { Entry } from "../../lib/types";
import { Logs } from "./logs";

const entry = (seq: number): Entry => ({
  id: `c.${seq}`,
  seq,
  type: "message",
  sender: { id: "u", username: "u", name: "U" },
  createdAt: "2026-01-01T00:00:00.000Z",
});

const make = () =>
  new Logs((() => Promise.reject(new Error("no answer"))) as Realtime["call"], () => undefined);

test("what is said in a channel that nobody looks at costs nothing", () => {
  const logs = make();
  logs.heard("c", entry(1));
  logs.live("c", true, "e");
  expect(logs.size).toBe(0);
});

test("memory does not grow with the number of channels that were opened", () => {
  const logs = make();
  for (let number = 0; number < 500; number++) logs.show(`c${number}`);
  expect(logs.size).toBe(20);
});

test("the channels looked at last are the ones that are kept", () => {
  const logs = make();
  const first = logs.show("first");
  const second = logs.show("second");
  for (let number = 0; number < 19; number++) {
    logs.show(`c${number}`);
    expect(logs.show("first")).toBe(first);
  }
  expect(logs.show("second")).not.toBe(second);
});

test("long logs are let go earlier, but never the one on screen", () => {
  const logs = make();
  logs.show("long");
  logs.show("shown");
  for (let seq = 1; seq <= 6000; seq++) logs.heard("long", entry(seq));
  expect(logs.size).toBe(2);
  for (let seq = 1; seq <= 6000; seq++) logs.heard("shown", entry(seq));
  expect(logs.size).toBe(1);
  expect(logs.show("shown").top).toBe(6000);
});
