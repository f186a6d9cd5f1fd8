import { describe, expect, test, vi } from "vitest";

import type { Realtime } from "../../realtime/realtime";
import type { Entry } from "../../lib/types";
import { ChannelLog } from "./log.svelte";

const entry = (seq: number): Entry => ({
  id: `c.${seq}`,
  seq,
  type: "message",
  sender: { id: "u", username: "u", name: "U" },
  createdAt: "2026-01-01T00:00:00.000Z",
});

/** A server with a log of so many entries. */
function server(length: number) {
  const state = { length, failing: false };
  const call = vi.fn(async (_method: string, data: object) => {
    if (state.failing) throw new Error("no answer");
    const { before, after, limit } = data as { before?: number; after?: number; limit: number };
    const end = before === undefined ? state.length : before - 1;
    const from = after === undefined ? Math.max(1, end - limit + 1) : after + 1;
    const to = after === undefined ? end : Math.min(state.length, after + limit);
    const messages = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => entry(from + index));
    const hasMore = after === undefined ? from > 1 : to < state.length;
    return { messages, position: { offset: state.length, epoch: "e" }, hasMore };
  });
  return { state, call, log: new ChannelLog("c", call as Realtime["call"], () => undefined) };
}

describe("ChannelLog", () => {
  test("reads the newest page once, and pages back to the beginning", async () => {
    const { log, call } = server(120);
    await log.open();
    await log.open();
    expect(call).toHaveBeenCalledTimes(1);
    expect(log.timeline.ranges).toEqual([[71, 120]]);
    await log.loadOlder();
    await log.loadOlder();
    expect(log.timeline.ranges).toEqual([[1, 120]]);
    expect(log.complete).toBe(true);
    await log.loadOlder();
    expect(call).toHaveBeenCalledTimes(3);
  });

  test("asks one thing at a time", async () => {
    const { log, call } = server(120);
    await log.open();
    await Promise.all([log.loadOlder(), log.loadOlder()]);
    expect(call).toHaveBeenCalledTimes(2);
  });

  test("live entries join the page that is read later", async () => {
    const { log, state } = server(60);
    log.live(true, "e");
    state.length = 61;
    log.add(entry(61));
    log.add(entry(61));
    await log.open();
    expect(log.timeline.ranges).toEqual([[12, 61]]);
    expect(log.timeline.entries).toHaveLength(50);
  });

  test("a gap that recovery could not fill becomes a hole, and can be filled from both ends", async () => {
    const { log, state } = server(60);
    await log.open();
    state.length = 260;
    log.live(false, "e");
    await vi.waitFor(() =>
      expect(log.timeline.ranges).toEqual([
        [11, 60],
        [211, 260],
      ]),
    );
    await log.fill([61, 210], "end");
    expect(log.timeline.ranges.at(-1)).toEqual([161, 260]);
    await log.fill([61, 160], "start");
    expect(log.timeline.ranges).toEqual([
      [11, 110],
      [161, 260],
    ]);
    await log.fill([111, 160], "end");
    expect(log.timeline.ranges).toEqual([[11, 260]]);
  });

  test("what was missed is read even if a page was being waited for", async () => {
    const { log, state, call } = server(120);
    await log.open();
    // Asked for while the connection was down, answered when it is back.
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const asked = call.getMockImplementation();
    call.mockImplementationOnce(async (method, data) => {
      await answered;
      return (asked as typeof call)(method, data);
    });
    const older = log.loadOlder();
    state.length = 820;
    log.live(false, "e");
    answer();
    await older;
    await vi.waitFor(() =>
      expect(log.timeline.ranges).toEqual([
        [21, 120],
        [771, 820],
      ]),
    );
    expect(log.behind).toBe(false);
  });

  test("what was missed and could not be read is shown as such, and read at the next chance", async () => {
    const { log, state } = server(60);
    await log.open();
    state.failing = true;
    state.length = 760;
    log.live(false, "e");
    expect(log.behind).toBe(true);
    await vi.waitFor(() => expect(log.state).toBe("failed"));
    state.failing = false;
    log.live(true, "e");
    await vi.waitFor(() => expect(log.timeline.ranges.at(-1)).toEqual([711, 760]));
    expect([log.behind, log.state]).toEqual([false, "idle"]);
  });

  test("an epoch that changed before the subscription was live is noticed", async () => {
    const { log } = server(10);
    await log.open();
    log.live(false, "another");
    expect(log.timeline.entries).toHaveLength(0);
    await vi.waitFor(() => expect(log.timeline.entries).toHaveLength(10));
  });

  test("a log that was replaced is read anew", async () => {
    const { log } = server(10);
    log.live(true, "e");
    await log.open();
    log.live(false, "another");
    expect(log.timeline.entries).toHaveLength(0);
    await vi.waitFor(() => expect(log.timeline.entries).toHaveLength(10));
  });

  test("a failure is told, and the next try may succeed", async () => {
    const { log, state } = server(10);
    state.failing = true;
    await log.open();
    expect([log.state, log.opened]).toEqual(["failed", false]);
    state.failing = false;
    await log.open();
    expect([log.state, log.opened, log.complete]).toEqual(["idle", true, true]);
  });
});
