import { describe, expect, it } from "vitest";

import { en } from "./en";
import { id } from "./id";
import { pt } from "./pt";

type Phrase = (...values: unknown[]) => string;

const COUNTS = [0, 1, 2, 5, 1_000_000];
/** What a parameter is, by its name. */
const isCount = (name: string) => /^(?:count|amount|messages|drafts|more|characters)$/.test(name);
const isList = (name: string) => name === "members" || name === "names";

function flat(catalogue: object, path = ""): [string, unknown][] {
  return Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === "object" && value !== null
      ? flat(value as object, `${path}${key}.`)
      : [[path + key, value] as [string, unknown]],
  );
}

function parametersOf(phrase: Phrase): string[] {
  const [, inside = ""] = /^\(([^)]*)\)/.exec(phrase.toString().replace(/^\w+\s*(?==>)/, "($&)")) ?? [];
  return inside
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
}

describe.each(Object.entries({ pt, id }))("the catalogue %s", (language, catalogue) => {
  const english = flat(en);
  const other = new Map(flat(catalogue));

  it("has the keys of the English one, and no others", () => {
    expect([...other.keys()].sort()).toEqual(english.map(([key]) => key).sort());
  });

  it.each(english)("says %s with the same placeholders", (key, value) => {
    const translated = other.get(key);
    expect(typeof translated).toBe(typeof value);
    if (typeof value !== "function") {
      expect(String(translated).trim()).not.toBe("");
      return;
    }
    const names = parametersOf(value as Phrase);
    expect((translated as Phrase).length).toBe(names.length);
    const formats = new Intl.NumberFormat(language === "pt" ? "pt-BR" : language);
    for (const count of COUNTS) {
      const values = names.map((name, index) =>
        isCount(name) ? count : isList(name) ? [`«${name}0»`, `«${name}1»`] : `«${index}»`,
      );
      const sentence = (translated as Phrase)(...values);
      expect(sentence).not.toMatch(/undefined|NaN|\[object|\{|\}/);
      for (const [index, name] of names.entries()) {
        if (isList(name)) expect(sentence).toContain(`«${name}0»`);
        else if (!isCount(name)) expect(sentence).toContain(`«${index}»`);
        else if (count > 2) expect(sentence.includes(formats.format(count)) || names.length > 1).toBe(true);
      }
    }
  });
});

it("counts by the rules of each language", () => {
  expect(pt.channels.members(1)).toBe("1 membro");
  expect(pt.channels.members(0)).toBe("0 membro");
  expect(pt.channels.members(2)).toBe("2 membros");
  expect(pt.conversation.joined(["Ana"], 0)).toBe("Ana entrou");
  expect(pt.conversation.joined(["Ana", "Rui"], 3)).toBe("Ana, Rui e 3 outras pessoas entraram");
  expect(id.channels.members(2)).toBe("2 anggota");
  expect(en.channels.members(1)).toBe("1 member");
});
