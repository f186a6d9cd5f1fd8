import { beforeEach, expect, test, vi } from "vitest";

import { Link } from "./link.svelte";

beforeEach(() => vi.useFakeTimers());

const connected = { phase: "connected", code: 0 } as const;
const connecting = { phase: "connecting", code: 1 } as const;

test("a hiccup is nobody's business", () => {
  const link = new Link();
  link.update(connected);
  link.update(connecting);
  vi.advanceTimersByTime(900);
  link.update(connected);
  vi.advanceTimersByTime(5000);
  expect(link.words).toBeNull();
});

test("after a second it is told, until all is well", () => {
  const link = new Link();
  link.update(connecting);
  vi.advanceTimersByTime(1000);
  expect(link.words).toBe("connecting");
  link.update(connected);
  expect(link.words).toBeNull();
  link.update(connecting);
  vi.advanceTimersByTime(1000);
  expect(link.words).toBe("reconnecting");
});

test("offline has words of its own", () => {
  const online = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  const link = new Link();
  link.update(connecting);
  vi.advanceTimersByTime(1000);
  expect(link.words).toBe("offline");
  online.mockReturnValue(true);
  link.network();
  expect(link.words).toBe("connecting");
});

test("so have a full server and an end that the server wanted", () => {
  const link = new Link();
  link.update({ phase: "stopped", code: 3504 });
  expect(link.words).toBe("full");
  link.update({ phase: "stopped", code: 3503 });
  expect(link.words).toBe("stopped");
});
