import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Entry } from "../lib/types";
import { Realtime, type RealtimeListener } from "./realtime";

interface Command {
  id: number;
  connect?: object;
  subscribe?: { channel: string; recover?: boolean; offset?: number };
  publish?: { channel: string; data: { data: string; key: string } };
}
type Reply = Record<string, unknown>;

/** A server at the other end of every WebSocket. */
class FakeSocket {
  static all: FakeSocket[] = [];
  static answer: (command: Command) => Reply = () => ({});
  readonly frames: string[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: object) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor() {
    FakeSocket.all.push(this);
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen?.();
    });
  }

  get commands(): Command[] {
    return this.frames.flatMap((frame) => frame.split("\n")).map((line) => JSON.parse(line) as Command);
  }

  send(frame: string): void {
    this.frames.push(frame);
    for (const line of frame.split("\n")) {
      const command = JSON.parse(line) as Command;
      queueMicrotask(() => this.push({ id: command.id, ...FakeSocket.answer(command) }));
    }
  }

  push(reply: Reply): void {
    if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify(reply) });
  }

  close(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason: "" });
  }
}

const LIMIT = 64 * 1024;
const id = (number: number) => `01J8ZQ4N9W3M5R7T2V6X8Y${String(number).padStart(4, "0")}`;
const channels = (count: number) =>
  Array.from(
    { length: count },
    (_, number) => [id(number), { offset: 1000, epoch: "01J8ZQ4N9W3M5R7T2V6X8Y0000" }] as const,
  );

function listener() {
  return {
    linkChanged: vi.fn(),
    snapshot: vi.fn(),
    personal: vi.fn(),
    entry: vi.fn(),
    live: vi.fn(),
    ended: vi.fn(),
    came: vi.fn(),
    went: vi.fn(),
  } satisfies RealtimeListener;
}

let heard: ReturnType<typeof listener>;
let realtime: Realtime;

beforeEach(async () => {
  FakeSocket.all = [];
  FakeSocket.answer = ({ connect, subscribe }) => {
    if (connect)
      return { connect: { client: "c", version: "1", data: { channels: [] }, subs: { "#me": {} } } };
    if (!subscribe) return { publish: {} };
    const position = { recoverable: true, positioned: true, epoch: "e", offset: subscribe.offset };
    return { subscribe: { ...position, was_recovering: true, recovered: true } };
  };
  vi.stubGlobal("WebSocket", FakeSocket);
  heard = listener();
  realtime = new Realtime(
    [{ transport: "websocket", endpoint: "ws://localhost/connection/websocket" }],
    () => Promise.resolve("token"),
    heard,
  );
  realtime.connect();
  await vi.waitFor(() => expect(heard.snapshot).toHaveBeenCalledOnce());
});
afterEach(() => {
  realtime.disconnect();
  vi.unstubAllGlobals();
});

const socket = () => FakeSocket.all.at(-1) as FakeSocket;
const longest = () => Math.max(...socket().frames.map((frame) => frame.length));

describe("Realtime", () => {
  test("asks to recover from the position given", async () => {
    realtime.follow(channels(1));
    await vi.waitFor(() => expect(heard.live).toHaveBeenCalledWith(id(0), true, "e"));
    const [, command] = socket().commands;
    expect(command?.subscribe).toMatchObject({
      channel: id(0),
      recover: true,
      offset: 1000,
      join_leave: true,
    });
  });

  test("with many channels no frame is too large, neither at first nor after a lost connection", async () => {
    realtime.follow(channels(1000));
    await vi.waitFor(() => expect(heard.live).toHaveBeenCalledTimes(1000));
    expect(longest()).toBeLessThan(LIMIT);
    socket().close();
    await vi.waitFor(() => expect(heard.live).toHaveBeenCalledTimes(2000), { timeout: 5000 });
    expect(FakeSocket.all).toHaveLength(2);
    expect(longest()).toBeLessThan(LIMIT);
    const asked = socket().commands.flatMap(({ subscribe }) => subscribe ?? []);
    expect(asked.every(({ recover }) => recover)).toBe(true);
    expect(heard.ended).not.toHaveBeenCalled();
  });

  test("gives entries and personal events to the listener", async () => {
    realtime.follow(channels(1));
    await vi.waitFor(() => expect(heard.live).toHaveBeenCalled());
    const entry = { id: `${id(0)}.1001`, seq: 1001, type: "message" } as Entry;
    socket().push({ push: { channel: id(0), pub: { data: entry, offset: 1001 } } });
    const gone = { type: "CHANNEL_GONE", channelId: id(1) };
    socket().push({ push: { channel: "#me", pub: { data: gone } } });
    await vi.waitFor(() => expect(heard.personal).toHaveBeenCalledWith(gone));
    expect(heard.entry).toHaveBeenCalledExactlyOnceWith(id(0), entry);
  });

  test("tells when the server ends a subscription, and lets it be followed again", async () => {
    realtime.follow(channels(1));
    await vi.waitFor(() => expect(heard.live).toHaveBeenCalledOnce());
    socket().push({ push: { channel: id(0), unsubscribe: { code: 2000, reason: "left" } } });
    await vi.waitFor(() => expect(heard.ended).toHaveBeenCalledExactlyOnceWith(id(0)));
    realtime.follow(channels(1));
    await vi.waitFor(() => expect(heard.live).toHaveBeenCalledTimes(2));
  });

  test.each([
    [103, false, false],
    [100, true, false],
    [111, true, true],
  ])("error %i: temporary %s, too many %s", async (code, temporary, tooMany) => {
    realtime.follow(channels(1));
    await vi.waitFor(() => expect(heard.live).toHaveBeenCalled());
    FakeSocket.answer = () => ({ error: { code, message: "the server's words" } });
    await expect(realtime.publish(id(0), "text", "key")).rejects.toMatchObject({
      message: "the server's words",
      temporary,
      tooMany,
    });
  });

  test("sends text and key", async () => {
    realtime.follow(channels(1));
    await realtime.publish(id(0), "text", "key");
    expect(socket().commands.at(-1)?.publish).toEqual({ channel: id(0), data: { data: "text", key: "key" } });
  });
});
