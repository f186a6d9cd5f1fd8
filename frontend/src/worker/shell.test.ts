import { expect, it } from "vitest";

import { answerFor } from "./shell";

const OURS = "https://chat.example";
const FILES = new Set(["/", "/assets/index-1.js"]);
const ask = (path: string, mode: RequestMode = "cors", method = "GET") =>
  answerFor(method, mode, new URL(path, OURS), OURS, FILES);

it("answers for the page at all of its addresses, and for its files", () => {
  expect(ask("/", "navigate")).toBe("/");
  expect(ask("/c/01ARZ?m=5", "navigate")).toBe("/");
  expect(ask("/assets/index-1.js")).toBe("/assets/index-1.js");
});

it("leaves the API, other pages and other sites to the network", () => {
  expect(ask("/docs", "navigate")).toBeNull();
  expect(ask("/users/me")).toBeNull();
  expect(ask("/channels", "cors", "POST")).toBeNull();
  expect(ask("/", "navigate", "POST")).toBeNull();
  expect(ask("/assets/index-2.js")).toBeNull();
  expect(ask("https://other.example/assets/index-1.js")).toBeNull();
});
