import { expect, test } from "vitest";

import { byActivity, held } from "./order";

const a = { id: "a", activeAt: 1 };
const b = { id: "b", activeAt: 3 };
const c = { id: "c", activeAt: 2 };
const ids = (items: { id: string }[]) => items.map(({ id }) => id).join("");

test("the most recently active comes first, the younger one of two that tie", () => {
  expect(ids(byActivity([a, b, c]))).toBe("bca");
  expect(ids(byActivity([a, { id: "z", activeAt: 1 }]))).toBe("za");
});

test("while somebody points at the list nothing moves", () => {
  expect(ids(held([{ ...a, activeAt: 9 }, b, c], ["b", "c", "a"]))).toBe("bca");
});

test("gone ones leave and new ones come last, in their own order", () => {
  const d = { id: "d", activeAt: 20 };
  const e = { id: "e", activeAt: 10 };
  expect(ids(held([d, e, b, a], ["b", "c", "a"]))).toBe("bade");
});
