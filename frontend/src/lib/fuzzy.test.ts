import { expect, it } from "vitest";

import { fit, folded } from "./fuzzy";

const best = (query: string, ...texts: string[]) =>
  texts
    .map((text) => [text, fit(folded(query), folded(text))] as const)
    .filter(([, score]) => score !== null)
    .sort((a, b) => (b[1] ?? 0) - (a[1] ?? 0))
    .map(([text]) => text);

it("finds what has all the signs in their order", () => {
  expect(best("pw", "Pond watch", "Wednesday pond", "Tea")).toEqual(["Pond watch"]);
  expect(best("zz", "Pond watch")).toEqual([]);
});

it("puts beginnings before middles, and words before letters", () => {
  expect(best("an", "Susan", "Ann Lee", "Jo Anders")).toEqual(["Ann Lee", "Jo Anders", "Susan"]);
  expect(best("an", "a lion", "banana")).toEqual(["banana", "a lion"]);
});

it("does not care for case and accents", () => {
  expect(best("sao", "São Paulo")).toEqual(["São Paulo"]);
  expect(best("日本", "日本語の部屋")).toEqual(["日本語の部屋"]);
});
