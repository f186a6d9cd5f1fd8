import { beforeEach, expect, test } from "vitest";

import { countDrafts, draftOf, forgetDrafts, keepDraft } from "./drafts";

beforeEach(() => localStorage.clear());

test("each person has drafts of their own", () => {
  keepDraft("ann", "c", "dear bob");
  expect([draftOf("ann", "c"), draftOf("bob", "c")]).toEqual(["dear bob", ""]);
});

test("signing out forgets one's own drafts, and nobody else's", () => {
  keepDraft("ann", "c", "dear bob");
  keepDraft("ann", "d", " ");
  keepDraft("bob", "c", "dear ann");
  expect([countDrafts("ann"), countDrafts("bob")]).toEqual([1, 1]);
  forgetDrafts("ann");
  expect([countDrafts("ann"), countDrafts("bob")]).toEqual([0, 1]);
  expect(localStorage).toHaveLength(1);
});
