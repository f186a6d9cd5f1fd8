import { LIMITS } from "../../lib/types";

/** The count begins to show so many characters before the end. */
const NEAR = 500;

/** How a text stands to the limit, counted as the server counts: in code points, ends trimmed. */
export function measure(text: string): { left: number; near: boolean; over: boolean; empty: boolean } {
  const body = text.trim();
  // Code points are at most the code units: no need to count most texts.
  const length = body.length < LIMITS.message - NEAR ? body.length : [...body].length;
  const left = LIMITS.message - length;
  return { left, near: left <= NEAR, over: left < 0, empty: body === "" };
}
