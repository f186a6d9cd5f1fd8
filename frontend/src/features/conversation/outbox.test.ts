import { beforeEach, describe, expect, test, vi } from "vitest";

import { ServerError } from "../../lib/errors";
import { Outbox } from "./outbox.svelte";

const lost = () => new ServerError("1", "", "", true);
const tooMany = () => new ServerError("111", "too many messages", "", true);
const refused = () => new ServerError("103", "you may not write here");

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
});

function outbox(publish = vi.fn(() => Promise.resolve())) {
  return { publish, box: new Outbox("me", publish as (c: string, t: string, k: string) => Promise<void>) };
}
const states = (box: Outbox, channel = "c") => box.of(channel).map(({ state }) => state);
const settled = () => vi.advanceTimersByTimeAsync(0);

describe("Outbox", () => {
  test("waits while there is no connection, then sends in order", async () => {
    const { box, publish } = outbox();
    box.send("c", "one");
    box.send("c", "two");
    expect(states(box)).toEqual(["waiting", "waiting"]);
    expect(publish).not.toHaveBeenCalled();
    box.resume();
    await settled();
    expect(states(box)).toEqual(["sent", "sent"]);
    expect(publish.mock.calls.map((call: unknown[]) => call[1])).toEqual(["one", "two"]);
  });

  test("the log's entry takes the place of the message", async () => {
    const { box } = outbox();
    box.resume();
    const { key } = box.send("c", "one");
    await settled();
    box.arrived("c", key);
    expect(box.of("c")).toEqual([]);
  });

  test("what is not sent is counted, and can be forgotten for good", async () => {
    let refuse: (error: Error) => void = () => undefined;
    const { box } = outbox(vi.fn(() => new Promise<void>((_, reject) => (refuse = reject))));
    box.send("c", "one");
    box.send("d", "two");
    expect(box.unsent).toBe(2);
    box.resume();
    box.clear();
    refuse(refused());
    await settled();
    expect(box.unsent).toBe(0);
    expect(new Outbox("me", () => Promise.resolve()).unsent).toBe(0);
    expect(localStorage).toHaveLength(0);
  });

  test("nobody sees what another person has not sent yet", () => {
    outbox().box.send("c", "mine");
    const other = new Outbox("other", () => Promise.resolve());
    expect([other.unsent, other.of("c")]).toEqual([0, []]);
    other.clear();
    expect(outbox().box.unsent).toBe(1);
  });

  test("the entry may come before the acknowledgement", async () => {
    let acknowledge: () => void = () => undefined;
    const { box } = outbox(vi.fn(() => new Promise<void>((resolve) => (acknowledge = resolve))));
    box.resume();
    const { key } = box.send("c", "one");
    box.arrived("c", key);
    acknowledge();
    await settled();
    expect(box.of("c")).toEqual([]);
    expect(localStorage).toHaveLength(0);
  });

  test.each([lost, tooMany])(
    "after a temporary error it waits and sends the same key again",
    async (error) => {
      const { box, publish } = outbox(vi.fn().mockRejectedValueOnce(error()).mockResolvedValue(undefined));
      box.resume();
      const { key } = box.send("c", "one");
      await settled();
      expect(states(box)).toEqual(["waiting"]);
      await vi.advanceTimersByTimeAsync(1000);
      expect(states(box)).toEqual(["sent"]);
      expect(publish.mock.calls.map((call: unknown[]) => call[2])).toEqual([key, key]);
    },
  );

  test("nothing overtakes a message that waits", async () => {
    const { box, publish } = outbox(vi.fn().mockRejectedValueOnce(lost()).mockResolvedValue(undefined));
    box.resume();
    box.send("c", "one");
    box.send("c", "two");
    await vi.advanceTimersByTimeAsync(5000);
    expect(publish.mock.calls.map((call: unknown[]) => call[1])).toEqual(["one", "one", "two"]);
  });

  test("a permanent error fails with the server's words, and the next goes on", async () => {
    const { box } = outbox(vi.fn().mockRejectedValueOnce(refused()).mockResolvedValue(undefined));
    box.resume();
    box.send("c", "one");
    box.send("c", "two");
    await settled();
    expect(states(box)).toEqual(["failed", "sent"]);
    expect(box.of("c")[0]?.reason).toBe("you may not write here");
  });

  test("a failed message can be sent again with its key, or deleted", async () => {
    const { box, publish } = outbox(
      vi.fn().mockRejectedValueOnce(refused()).mockRejectedValueOnce(refused()).mockResolvedValue(undefined),
    );
    box.resume();
    const { key } = box.send("c", "one");
    box.send("c", "two");
    await settled();
    const [one, two] = box.of("c");
    if (!one || !two) throw new Error("both must have failed");
    box.retry(one);
    box.delete(two);
    await settled();
    expect(states(box)).toEqual(["sent"]);
    expect(publish.mock.calls.at(-1)?.[2 as never]).toBe(key);
  });

  test("what was not acknowledged survives a reload, with its key", async () => {
    const { key } = outbox().box.send("c", "one");
    const { box, publish } = outbox();
    expect(states(box)).toEqual(["waiting"]);
    box.resume();
    await settled();
    expect(publish).toHaveBeenCalledExactlyOnceWith("c", "one", key);
    expect(outbox().box.of("c")).toEqual([]);
  });

  test("another person's messages stay theirs", () => {
    outbox().box.send("c", "one");
    expect(new Outbox("other", async () => undefined).of("c")).toEqual([]);
  });

  test("unreadable leftovers are ignored", () => {
    localStorage.setItem("chirpbird.outbox.me.x", "{");
    expect(outbox().box.of("c")).toEqual([]);
  });

  test("a lost connection does not use up attempts, a new one sends at once", async () => {
    const { box, publish } = outbox(vi.fn().mockRejectedValueOnce(lost()).mockResolvedValue(undefined));
    box.resume();
    box.send("c", "one");
    await settled();
    box.suspend();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(publish).toHaveBeenCalledTimes(1);
    box.resume();
    await settled();
    expect(states(box)).toEqual(["sent"]);
  });

  test("a channel that is gone refuses what waits", () => {
    const { box } = outbox();
    box.send("c", "one");
    box.refuse("c", "you are no longer in this channel");
    expect(box.of("c")).toMatchObject([{ state: "failed", reason: "you are no longer in this channel" }]);
  });
});
