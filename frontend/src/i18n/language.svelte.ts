import { forget, recall, remember } from "../lib/storage";
import { en, type Messages } from "./en";

export const LANGUAGES = ["en", "pt", "id"] as const;
export type Language = (typeof LANGUAGES)[number];
export type LanguageChoice = Language | "system";

const KEY = "chirpbird.language";
/** What dates and numbers follow if the device names no region of the language. */
const LOCALES: Record<Language, string> = { en: "en", pt: "pt-BR", id: "id" };
const FETCH: Record<Language, () => Promise<Messages>> = {
  en: () => Promise.resolve(en),
  pt: () => import("./pt").then((module) => module.pt),
  id: () => import("./id").then((module) => module.id),
};

/** Which language the page speaks. English is always here, the others are fetched when they are chosen. */
class LanguageStore {
  messages: Messages = $state.raw(en);
  /** The one on the screen, which may still be the one before. */
  language: Language = $state("en");
  #choice: LanguageChoice = $state(read());

  get choice(): LanguageChoice {
    return this.#choice;
  }

  set choice(choice: LanguageChoice) {
    this.#choice = choice;
    if (choice === "system") forget(KEY);
    else remember(KEY, choice);
    void this.load();
  }

  /** For Intl: the device's own region of the language, if it has one. */
  get locale(): string {
    const own = navigator.languages.find((tag) => languageOf(tag) === this.language);
    return own ?? LOCALES[this.language];
  }

  /** Fetches the chosen language; stays with the present one if it cannot be had. */
  async load(): Promise<void> {
    const wanted = wantedBy(this.#choice);
    try {
      const messages = await FETCH[wanted]();
      // Another one may have been chosen in the meantime.
      if (wanted !== wantedBy(this.#choice)) return;
      this.messages = messages;
      this.language = wanted;
      document.documentElement.lang = LOCALES[wanted];
    } catch {
      return;
    }
  }
}

export const language = new LanguageStore();

function wantedBy(choice: LanguageChoice): Language {
  if (choice !== "system") return choice;
  for (const tag of navigator.languages) {
    const known = languageOf(tag);
    if (known) return known;
  }
  return "en";
}

function languageOf(tag: string): Language | undefined {
  const [primary] = tag.toLowerCase().split("-");
  // The code that Java and old Androids have for Indonesian.
  return LANGUAGES.find((known) => known === (primary === "in" ? "id" : primary));
}

function read(): LanguageChoice {
  const kept = recall(KEY);
  return LANGUAGES.find((known) => known === kept) ?? "system";
}
