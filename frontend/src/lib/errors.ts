import { language, t } from "../i18n";

type Code = keyof typeof t.errors;

/** The realtime protocol's numbers, in the words of docs/API.md. */
const CODES: Record<string, Code> = {
  "100": "store_unavailable",
  "103": "not_permitted",
  "107": "invalid_input",
  "111": "too_many",
  "404": "not_found",
  "409": "already_exists",
};

/** An error in the server's words, whichever way it came. */
export class ServerError extends Error {
  override readonly name = "ServerError";

  constructor(
    /** HTTP: the word of docs/API.md ("invalid_input"); realtime: the number as text ("107"). */
    readonly code: string,
    message: string,
    /** The input at fault, or empty. */
    readonly field = "",
    /** True: the same request may succeed later. */
    readonly temporary = false,
  ) {
    super(message);
  }

  /** Too many requests: wait before the next one. */
  get tooMany(): boolean {
    return this.code === "111" || this.code === "too_many";
  }
}

/** The words to show for whatever was thrown: the server's, which are English, or ours for its code. */
export function wordsOf(error: unknown, otherwise: string): string {
  if (!(error instanceof ServerError)) return otherwise;
  if (language.language === "en" && error.message) return error.message;
  const code = CODES[error.code] ?? (error.code in t.errors ? (error.code as Code) : null);
  return code ? t.errors[code] : error.message || otherwise;
}
