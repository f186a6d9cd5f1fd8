import { forget, recall, remember } from "../../lib/storage";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Read before the first paint by public/theme.js. */
const KEY = "chirpbird.theme";

class ThemeChoice {
  #choice: Theme = $state(read());

  get choice(): Theme {
    return this.#choice;
  }

  set choice(theme: Theme) {
    this.#choice = theme;
    if (theme === "system") {
      forget(KEY);
      delete document.documentElement.dataset["theme"];
    } else {
      remember(KEY, theme);
      document.documentElement.dataset["theme"] = theme;
    }
  }
}

export const theme = new ThemeChoice();

function read(): Theme {
  const kept = recall(KEY);
  return THEMES.find((theme) => theme === kept) ?? "system";
}
