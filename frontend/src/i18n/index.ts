import { en, type Messages } from "./en";

/** Where a second language will be chosen. Dates follow the reader's own habits. */
export const t: Messages = en;
export const locale: string | undefined = undefined;
