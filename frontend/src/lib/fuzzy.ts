/** A letter right after the one before, at the beginning of a word, at the very beginning. */
const FOLLOWS = 4;
const BEGINS_WORD = 6;
const BEGINS = 4;
/** ... and for each one skipped. */
const SKIPPED = 0.2;
const MARKS = /\p{M}/gu;

/** Without case and accents: "Sao" finds "São". */
export function folded(text: string): string {
  return text.normalize("NFD").replace(MARKS, "").toLocaleLowerCase();
}

/**
 * How well `query` fits `text`, if all of its signs occur in this order; null if they do not. More is better. Both
 * are to be `folded`.
 */
export function fit(query: string, text: string): number | null {
  // The whole thing in one piece beats whatever can be gathered from here and there.
  const whole = text.indexOf(query);
  if (whole >= 0)
    return 1000 + (whole === 0 ? 100 : startsWord(text, whole) ? 50 : 0) - text.length * SKIPPED;
  let score = 0;
  let last = -1;
  for (const sign of query) {
    if (sign === " ") continue;
    const at = nextOf(text, sign, last + 1);
    if (at < 0) return null;
    if (at === last + 1) score += FOLLOWS;
    if (startsWord(text, at)) score += BEGINS_WORD;
    if (at === 0) score += BEGINS;
    score -= (at - last - 1) * SKIPPED;
    last = at;
  }
  return score;
}

/** Where a sign comes next: at a word's beginning if it can be had there. */
function nextOf(text: string, sign: string, from: number): number {
  const first = text.indexOf(sign, from);
  if (first < 0 || first === from) return first;
  for (let at = first; at >= 0; at = text.indexOf(sign, at + 1)) if (startsWord(text, at)) return at;
  return first;
}

function startsWord(text: string, at: number): boolean {
  return at === 0 || /[\s._\-/]/.test(text[at - 1] ?? "");
}
