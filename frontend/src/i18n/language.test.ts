import { afterEach, expect, it, vi } from "vitest";

import { language, t } from ".";
import { clock } from "../lib/time";

afterEach(async () => {
  language.choice = "en";
  await language.load();
  vi.restoreAllMocks();
  localStorage.clear();
});

it("speaks the language that was chosen, and remembers it", async () => {
  language.choice = "pt";
  await language.load();
  expect(t.session.signIn).toBe("Entrar");
  expect(document.documentElement.lang).toBe("pt-BR");
  expect(localStorage.getItem("chirpbird.language")).toBe("pt");
});

it("follows the device, also by the old code of Indonesian", async () => {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["fr-FR", "in-ID", "en"]);
  language.choice = "system";
  await language.load();
  expect(t.app.cancel).toBe("Batal");
  expect(localStorage.getItem("chirpbird.language")).toBeNull();
});

it("takes dates from the device's own region of the language", async () => {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["pt-PT", "en-GB"]);
  language.choice = "en";
  await language.load();
  expect(language.locale).toBe("en-GB");
  expect(clock(new Date(2026, 0, 1, 14, 5))).toBe("14:05");
});
