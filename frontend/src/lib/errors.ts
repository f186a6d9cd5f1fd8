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

/** The words to show for whatever was thrown. */
export function wordsOf(error: unknown, otherwise: string): string {
  return error instanceof ServerError && error.message ? error.message : otherwise;
}
