import { expect, test } from "vitest";

import type { Entry } from "../../lib/types";
import { noteText } from "./notes";

const person = (id: string) => ({ id, username: id, name: id.toUpperCase() });
const note = (type: string, ...members: string[]): Entry => ({
  id: "c.1",
  seq: 1,
  type,
  sender: person("ann"),
  createdAt: "2026-01-01T00:00:00.000Z",
  members: members.map(person),
});

test.each([
  [note("created", "ann"), "ANN created the group"],
  [note("created", "ann", "bo", "cleo"), "ANN created the group with BO and CLEO"],
  [note("joined", "ann"), "ANN joined"],
  [note("joined", "bo"), "ANN added BO"],
  [note("joined", "b", "c", "d", "e", "f", "g"), "ANN added B, C, D, E, and 2 others"],
  [note("left", "ann"), "ANN left"],
  [note("left", "bo"), "ANN removed BO"],
  [note("reaction"), ""],
])("%#", (entry, expected) => {
  expect(noteText(entry)).toBe(expected);
});
