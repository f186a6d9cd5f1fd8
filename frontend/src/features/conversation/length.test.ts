import { expect, test } from "vitest";

import { measure } from "./length";

test.each([
  ["", { empty: true, over: false, near: false }],
  [" \n ", { empty: true, over: false, near: false }],
  ["a", { empty: false, over: false, near: false }],
  ["a".repeat(7500), { near: true, left: 500, over: false }],
  ["a".repeat(8000), { near: true, left: 0, over: false }],
  [`${"a".repeat(8000)}\n`, { left: 0, over: false }],
  ["a".repeat(8001), { left: -1, over: true }],
  // A sign of two code units counts once, as on the server.
  ["🐦".repeat(8000), { left: 0, over: false }],
])("case %#", (text, expected) => {
  expect(measure(text)).toMatchObject(expected);
});
