import { en, type Messages } from "./en";
import { language } from "./language.svelte";

/** Every word on the screen, in the language that is on: what reads it in a template or an effect follows a change. */
export const t: Messages = Object.defineProperties(
  {},
  Object.fromEntries(
    Object.keys(en).map((section) => [
      section,
      { enumerable: true, get: () => language.messages[section as keyof Messages] },
    ]),
  ),
) as Messages;

export { language, LANGUAGES } from "./language.svelte";
export type { Messages } from "./en";
