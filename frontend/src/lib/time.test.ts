import { expect, test } from "vitest";

import { dayLabel, daysBetween, shortTime } from "./time";

const now = new Date(2026, 2, 30, 12, 0);
const daysAgo = (days: number, hour = 12) => new Date(2026, 2, 30 - days, hour);

test("days are days of the calendar, also over a change of the clock", () => {
  expect(daysBetween(new Date(2026, 2, 29, 23, 59), new Date(2026, 2, 30, 0, 1))).toBe(1);
  expect(daysBetween(new Date(2026, 2, 28, 12), new Date(2026, 2, 30, 12))).toBe(2);
  expect(daysBetween(now, now)).toBe(0);
});

test("the label of a day", () => {
  expect(dayLabel(daysAgo(0, 1), now)).toBe("Today");
  expect(dayLabel(daysAgo(1, 23), now)).toBe("Yesterday");
  expect(dayLabel(daysAgo(3), now)).toMatch(/^\p{L}+$/u);
  expect(dayLabel(daysAgo(20), now)).not.toContain("2026");
  expect(dayLabel(new Date(2024, 4, 1), now)).toContain("2024");
});

test("the time in a list", () => {
  expect(shortTime(new Date(2026, 2, 30, 9, 5), now)).toMatch(/9:05/);
  expect(shortTime(daysAgo(1), now)).toBe("Yesterday");
  expect(shortTime(new Date(2024, 4, 1), now)).toContain("24");
  // A clock that is a little behind the server's.
  expect(shortTime(new Date(2026, 2, 30, 12, 5), now)).toMatch(/12:05/);
});
