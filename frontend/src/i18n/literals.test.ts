import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "svelte/compiler";
import { expect, it } from "vitest";

const SOURCES = join(import.meta.dirname, "..");
const SPOKEN = new Set(["aria-label", "aria-description", "title", "placeholder", "alt", "label"]);
/** Letters that say something: an @ before a name, or a dash, is the same in every language. */
const WORDS = /\p{L}{2,}/u;

interface Node {
  readonly type?: string;
  readonly name?: string;
  readonly data?: string;
  readonly value?: unknown;
  readonly [key: string]: unknown;
}

function literals(node: unknown, found: string[] = []): string[] {
  if (Array.isArray(node)) {
    for (const child of node) literals(child, found);
  } else if (typeof node === "object" && node !== null) {
    const one = node as Node;
    if (one.type === "Attribute") {
      if (SPOKEN.has(one.name ?? "")) literals(one.value, found);
      return found;
    }
    if (one.type === "Text" && WORDS.test(one.data ?? "")) found.push(one.data ?? "");
    for (const key of [
      "fragment",
      "attributes",
      "nodes",
      "body",
      "consequent",
      "alternate",
      "pending",
      "then",
      "catch",
      "fallback",
    ])
      if (key in one) literals(one[key], found);
  }
  return found;
}

const components = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".svelte"),
);

it.each(components)("%s has no words of its own", (name) => {
  const tree = parse(readFileSync(join(SOURCES, name), "utf8"), { modern: true });
  expect(literals(tree.fragment.nodes)).toEqual([]);
});

it("finds words where they are", () => {
  const tree = parse('{#if x}<p title="Hello">@{x} <b>Words</b></p>{:else}<img alt="" />{/if}', {
    modern: true,
  });
  expect(literals(tree.fragment.nodes)).toEqual(["Words", "Hello"]);
});
