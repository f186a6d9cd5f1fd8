import { expect, it } from "vitest";

import { Missed, showBadge, titleOf } from "./unread.svelte";

it("counts what was missed until the channel is looked at", () => {
  const missed = new Missed();
  missed.add("a");
  missed.add("a");
  missed.add("b");
  expect(missed.count).toBe(3);
  missed.seen("a");
  expect(missed.count).toBe(1);
  missed.seen("b");
  expect(missed.count).toBe(0);
});

it("says so in the title and on the icon", () => {
  document.head.innerHTML = '<link rel="icon" href="/favicon.svg">';
  expect(titleOf(["Tea", "Chirpbird"], 0)).toBe("Tea · Chirpbird");
  expect(titleOf(["Tea", "Chirpbird"], 3)).toBe("(3) Tea · Chirpbird");
  expect(titleOf(["Chirpbird"], 100)).toBe("(99+) Chirpbird");
  showBadge(1);
  expect(document.querySelector("link")?.getAttribute("href")).toBe("/favicon-unread.svg");
  showBadge(0);
  expect(document.querySelector("link")?.getAttribute("href")).toBe("/favicon.svg");
});
