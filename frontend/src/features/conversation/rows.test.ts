import { describe, expect, test } from "vitest";

import type { Entry } from "../../lib/types";
import type { Outgoing } from "./outbox.svelte";
import { rowsOf, type MessageRow } from "./rows";
import { merge, NOTHING } from "./timeline";

const me = { id: "me", name: "Me" };
const at = (minute: number, day = 1) => new Date(2026, 0, day, 12, minute);

function entry(seq: number, from: string, time: Date, more: Partial<Entry> = {}): Entry {
  const sender = { id: from, username: from, name: from };
  return {
    id: `c.${seq}`,
    seq,
    type: "message",
    sender,
    createdAt: time.toISOString(),
    data: "text",
    ...more,
  };
}
const rows = (entries: Entry[], outgoing: Outgoing[] = []) =>
  rowsOf(merge(NOTHING, entries, [entries[0]?.seq ?? 1, entries.at(-1)?.seq ?? 1]), outgoing, me, {
    complete: true,
    behind: false,
    direct: false,
  });
const messages = (entries: Entry[]) => rows(entries).filter((row) => row.kind === "message") as MessageRow[];
const waiting = (key: string): Outgoing => ({
  key,
  channelId: "c",
  text: "text",
  writtenAt: at(0).getTime(),
  state: "waiting",
  reason: "",
});

describe("grouping", () => {
  test("one person within five minutes", () => {
    const found = messages([entry(1, "a", at(0)), entry(2, "a", at(4)), entry(3, "a", at(9))]);
    expect(found.map(({ startsGroup }) => startsGroup)).toEqual([true, false, true]);
    expect(found.map(({ endsGroup }) => endsGroup)).toEqual([false, true, true]);
  });

  test("ends with another person and with a note", () => {
    const found = messages([
      entry(1, "a", at(0)),
      entry(2, "b", at(1)),
      entry(3, "b", at(1), { type: "joined", members: [] }),
      entry(4, "b", at(1)),
    ]);
    expect(found.map(({ startsGroup }) => startsGroup)).toEqual([true, true, true]);
  });

  test("does not go over midnight; each day starts once", () => {
    const found = messages([
      entry(1, "a", new Date(2026, 0, 1, 23, 59)),
      entry(2, "a", new Date(2026, 0, 2, 0, 1)),
      entry(3, "a", new Date(2026, 0, 2, 0, 2)),
    ]);
    expect(found.map(({ startsDay }) => startsDay)).toEqual([true, true, false]);
    expect(found.map(({ startsGroup }) => startsGroup)).toEqual([true, true, false]);
  });
});

describe("keys", () => {
  test("an outgoing message and its entry are one row", () => {
    const [, before] = rows([entry(1, "a", at(0))], [waiting("k")]).slice(1);
    const [, after] = rows([entry(1, "a", at(0)), entry(2, "me", at(0), { key: "k" })], [waiting("k")]).slice(
      1,
    );
    expect(before?.key).toBe(after?.key);
    expect(rows([entry(1, "a", at(0)), entry(2, "me", at(0), { key: "k" })], [waiting("k")])).toHaveLength(3);
  });

  test("somebody else who uses our key does not take our place", () => {
    const found = rows([entry(1, "a", at(0), { key: "k" })], [waiting("k")]);
    expect(new Set(found.map(({ key }) => key)).size).toBe(3);
  });
});

test("unknown types are not shown", () => {
  expect(rows([entry(1, "a", at(0), { type: "reaction" })])).toHaveLength(1);
});

test("a hole is a row of its own, and so is what is missing at the end", () => {
  const timeline = merge(merge(NOTHING, [entry(1, "a", at(0))], [1, 1]), [entry(9, "a", at(1))], [9, 9]);
  expect(
    rowsOf(timeline, [], me, { complete: true, behind: true, direct: false }).map(({ kind }) => kind),
  ).toEqual(["begin", "message", "hole", "message", "behind"]);
});

test("a direct channel does not tell that it was created", () => {
  const entries = [entry(1, "a", at(0), { type: "created", members: [] }), entry(2, "a", at(0))];
  const kinds = rowsOf(merge(NOTHING, entries, [1, 2]), [], me, {
    complete: true,
    behind: false,
    direct: true,
  }).map(({ kind }) => kind);
  expect(kinds).toEqual(["begin", "message"]);
});
