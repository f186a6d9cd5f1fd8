import { expect, test } from "vitest";

import { hueOf, initials } from "./avatar";

test.each([
  ["Ann Kingfisher", "AK"],
  ["ann", "A"],
  ["ann.b_c-kingfisher", "AK"],
  ["דנה לוי", "דל"],
  ["👩‍🚀 crew", "👩‍🚀"],
  ["", ""],
])("%s", (name, expected) => {
  expect(initials(name)).toBe(expected);
});

test("the colour belongs to the id", () => {
  expect(hueOf("01J8")).toBe(hueOf("01J8"));
});
