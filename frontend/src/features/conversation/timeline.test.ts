import { describe, expect, test } from "vitest";

import type { Entry } from "../../lib/types";
import { holeAfter, merge, missingAfter, newest, NOTHING, oldest, type Timeline } from "./timeline";

const entry = (seq: number, data = `text ${seq}`): Entry => ({
  id: `c.${seq}`,
  seq,
  type: "message",
  sender: { id: "u", username: "u", name: "U" },
  createdAt: "2026-01-01T00:00:00.000Z",
  data,
});
const stretch = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => entry(from + index));
const known = (timeline: Timeline, from: number, to: number) =>
  merge(timeline, stretch(from, to), [from, to]);
const numbers = ({ entries }: Timeline) => entries.map(({ seq }) => seq);

describe("merge", () => {
  test("puts a live entry at the end and grows the stretch", () => {
    const timeline = known(known(NOTHING, 5, 7), 8, 8);
    expect(numbers(timeline)).toEqual([5, 6, 7, 8]);
    expect(timeline.ranges).toEqual([[5, 8]]);
  });

  test("puts an older page before what is known", () => {
    const timeline = known(known(NOTHING, 5, 7), 1, 4);
    expect(numbers(timeline)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(timeline.ranges).toEqual([[1, 7]]);
  });

  test("drops what was delivered before", () => {
    const timeline = known(NOTHING, 1, 3);
    expect(merge(timeline, [entry(2, "another text")], [2, 2])).toBe(timeline);
  });

  test("keeps the first of two deliveries where pages overlap", () => {
    const timeline = merge(known(NOTHING, 1, 3), [entry(3, "another text"), entry(4)], [3, 4]);
    expect(timeline.entries.map(({ data }) => data)).toEqual(["text 1", "text 2", "text 3", "text 4"]);
  });

  test("leaves a hole where entries are missing, and closes it page by page", () => {
    let timeline = known(known(NOTHING, 1, 3), 10, 12);
    expect(timeline.ranges).toEqual([
      [1, 3],
      [10, 12],
    ]);
    expect(holeAfter(timeline, 3)).toEqual([4, 9]);
    timeline = known(timeline, 8, 9);
    expect(holeAfter(timeline, 3)).toEqual([4, 7]);
    timeline = known(timeline, 4, 7);
    expect(timeline.ranges).toEqual([[1, 12]]);
    expect(numbers(timeline)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  test("one page may close several holes", () => {
    const timeline = known(known(known(known(NOTHING, 1, 2), 5, 6), 9, 10), 2, 9);
    expect(timeline.ranges).toEqual([[1, 10]]);
    expect(numbers(timeline)).toHaveLength(10);
  });
});

test("the ends", () => {
  expect([oldest(NOTHING), newest(NOTHING)]).toEqual([0, 0]);
  const timeline = known(known(NOTHING, 4, 5), 8, 9);
  expect([oldest(timeline), newest(timeline)]).toEqual([4, 9]);
});

test("there is no hole within a stretch, nor after the last", () => {
  const timeline = known(known(NOTHING, 1, 3), 6, 7);
  expect([1, 2, 6, 7].map((seq) => holeAfter(timeline, seq))).toEqual([null, null, null, null]);
});

test("how much is missing above a position", () => {
  const timeline = known(known(known(NOTHING, 1, 3), 6, 7), 700, 750);
  expect([0, 3, 5, 7, 10, 740, 800].map((seq) => missingAfter(timeline, seq))).toEqual([
    694, 694, 692, 692, 689, 0, 0,
  ]);
});
