import type { Entry } from "../../lib/types";
import type { Outgoing } from "./outbox.svelte";
import { holeAfter, type Range, type Timeline } from "./timeline";

/** One row of the conversation as it is drawn. `key` stays the same while a message turns from outgoing into an entry. */
export type Row = EdgeRow | MessageRow | NoteRow | HoleRow;

interface Dated {
  readonly key: string;
  readonly time: Date;
  /** The first of its day: a separator goes above. */
  readonly startsDay: boolean;
}

/** Where what is known ends: at the log's beginning, or with more above, or with more below. */
export interface EdgeRow {
  readonly kind: "begin" | "older" | "behind";
  readonly key: string;
}

export interface MessageRow extends Dated {
  readonly kind: "message";
  readonly senderId: string;
  readonly senderName: string;
  readonly own: boolean;
  readonly text: string;
  /** The first and the last of a run by one person within five minutes. */
  readonly startsGroup: boolean;
  readonly endsGroup: boolean;
  /** null: it is in the log. */
  readonly outgoing: Outgoing | null;
}

export interface NoteRow extends Dated {
  readonly kind: "note";
  readonly entry: Entry;
}

export interface HoleRow {
  readonly kind: "hole";
  readonly key: string;
  readonly hole: Range;
}

interface Me {
  readonly id: string;
  readonly name: string;
}

interface Look {
  /** The log is known from its beginning on. */
  readonly complete: boolean;
  readonly direct: boolean;
  /** There is more at its end. */
  readonly behind: boolean;
}

const GROUP_MS = 5 * 60_000;
const NOTES = new Set(["created", "joined", "left"]);

/** The rows of what is known of a log, followed by what is on its way there. */
export function rowsOf(
  timeline: Timeline,
  outgoing: readonly Outgoing[],
  me: Me,
  { complete, direct, behind }: Look,
): Row[] {
  const rows: Row[] = [{ kind: complete ? "begin" : "older", key: "top" }];
  const arrived = new Set<string>();
  for (const entry of timeline.entries) {
    // How two people's own channel began needs no telling.
    const row = direct && entry.type === "created" ? null : entryRow(entry, me);
    if (row) {
      if (row.kind === "message" && row.own && entry.key) arrived.add(entry.key);
      rows.push(row);
    }
    const hole = holeAfter(timeline, entry.seq);
    if (hole) rows.push({ kind: "hole", key: `hole-${hole[1]}`, hole });
  }
  if (behind) rows.push({ kind: "behind", key: "behind" });
  for (const message of outgoing) if (!arrived.has(message.key)) rows.push(outgoingRow(message, me));
  return joined(rows);
}

function entryRow(entry: Entry, me: Me): MessageRow | NoteRow | null {
  const time = new Date(entry.createdAt);
  if (entry.type === "message") {
    const own = entry.sender.id === me.id;
    return {
      kind: "message",
      // Others may choose any key, also one of ours.
      key: own && entry.key ? `key-${entry.key}` : `seq-${entry.seq}`,
      time,
      senderId: entry.sender.id,
      senderName: entry.sender.name,
      own,
      text: entry.data ?? "",
      outgoing: null,
      ...UNJOINED,
    };
  }
  if (!NOTES.has(entry.type)) return null;
  return { kind: "note", key: `seq-${entry.seq}`, time, entry, startsDay: false };
}

function outgoingRow(message: Outgoing, me: Me): MessageRow {
  return {
    kind: "message",
    key: `key-${message.key}`,
    time: new Date(message.writtenAt),
    senderId: me.id,
    senderName: me.name,
    own: true,
    text: message.text,
    outgoing: message,
    ...UNJOINED,
  };
}

const UNJOINED = { startsDay: false, startsGroup: true, endsGroup: true };

/** Finds the days and the groups. */
function joined(rows: readonly Row[]): Row[] {
  let above: Row | undefined;
  return rows.map((row, index) => {
    const previous = above;
    above = row;
    if (row.kind !== "message" && row.kind !== "note") return row;
    const startsDay =
      !previous || !("time" in previous) || previous.time.toDateString() !== row.time.toDateString();
    if (row.kind === "note") return { ...row, startsDay };
    const startsGroup = startsDay || !together(previous, row);
    return { ...row, startsDay, startsGroup, endsGroup: !together(row, rows[index + 1]) };
  });
}

function together(above: Row | undefined, below: Row | undefined): boolean {
  return (
    above?.kind === "message" &&
    below?.kind === "message" &&
    above.senderId === below.senderId &&
    Math.abs(below.time.getTime() - above.time.getTime()) < GROUP_MS &&
    above.time.toDateString() === below.time.toDateString()
  );
}
