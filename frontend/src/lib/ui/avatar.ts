const HUES = [12, 40, 75, 120, 150, 190, 225, 260, 300, 340];

/** At most two letters: of the first and the last word, or the first sign there is. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s._-]+/u)
    .filter(Boolean);
  const first = firstSign(words[0] ?? "");
  const last = words.length > 1 ? firstSign(words.at(-1) ?? "") : "";
  return (first + (/^\p{L}/u.test(first) && /^\p{L}/u.test(last) ? last : "")).toLocaleUpperCase();
}

/** Always the same for the same id, in degrees. */
export function hueOf(id: string): number {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return HUES[hash % HUES.length] ?? 0;
}

function firstSign(word: string): string {
  const [first] = new Intl.Segmenter().segment(word);
  return first?.segment ?? "";
}
