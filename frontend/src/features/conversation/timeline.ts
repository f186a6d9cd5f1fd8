import type { Entry } from "../../lib/types";

/** What is known of a channel's log: entries in the order of `seq`, and which stretches of it are complete. */
export interface Timeline {
  readonly entries: readonly Entry[];
  /** Disjoint, ascending, not adjacent; both ends inclusive. Between two of them is a hole. */
  readonly ranges: readonly Range[];
}

export type Range = readonly [from: number, to: number];

export const NOTHING: Timeline = { entries: [], ranges: [] };

/**
 * Adds entries that complete the stretch `covers`. What is known already stays as it is: an entry never changes,
 * so a second delivery of the same `seq` is dropped. Returns the same timeline if nothing is new.
 */
export function merge(timeline: Timeline, entries: readonly Entry[], covers: Range): Timeline {
  if (timeline.ranges.some(([from, to]) => from <= covers[0] && covers[1] <= to)) return timeline;
  return { entries: mergeEntries(timeline.entries, entries), ranges: mergeRanges(timeline.ranges, covers) };
}

/** The lowest known `seq`; 0 if nothing is known. */
export function oldest({ ranges }: Timeline): number {
  return ranges[0]?.[0] ?? 0;
}

/** The highest known `seq`; 0 if nothing is known. */
export function newest({ ranges }: Timeline): number {
  return ranges.at(-1)?.[1] ?? 0;
}

/** The hole that begins right after `seq`, if there is one: the numbers missing, inclusive. */
export function holeAfter({ ranges }: Timeline, seq: number): Range | null {
  const index = ranges.findIndex(([, to]) => to === seq);
  const next = ranges[index + 1];
  return index >= 0 && next ? [seq + 1, next[0] - 1] : null;
}

/** How many entries above `seq` are in holes: they exist, and are not known. */
export function missingAfter({ ranges }: Timeline, seq: number): number {
  let missing = 0;
  let end = seq;
  for (const [from, to] of ranges) {
    missing += Math.max(0, from - end - 1);
    end = Math.max(end, to);
  }
  return missing;
}

function mergeEntries(known: readonly Entry[], added: readonly Entry[]): readonly Entry[] {
  const last = known.at(-1)?.seq ?? 0;
  const first = added[0]?.seq ?? Infinity;
  // Nearly always: a live entry at the end, or an older page at the beginning.
  if (first > last) return [...known, ...added];
  const bySeq = new Map(added.map((entry) => [entry.seq, entry]));
  for (const entry of known) bySeq.set(entry.seq, entry);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

function mergeRanges(ranges: readonly Range[], added: Range): readonly Range[] {
  let [from, to] = added;
  const apart: Range[] = [];
  for (const range of ranges) {
    if (range[1] < from - 1 || range[0] > to + 1) {
      apart.push(range);
    } else {
      from = Math.min(from, range[0]);
      to = Math.max(to, range[1]);
    }
  }
  return [...apart, [from, to] as const].sort((a, b) => a[0] - b[0]);
}
