/** Nearer hues than this look the same. */
const HUE_STEP = 15;

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
  // FNV-1a: ids made in one second differ in little.
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return ((hash >>> 8) % (360 / HUE_STEP)) * HUE_STEP;
}

function firstSign(word: string): string {
  const [first] = new Intl.Segmenter().segment(word);
  return first?.segment ?? "";
}
