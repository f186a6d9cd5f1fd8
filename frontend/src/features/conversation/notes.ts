import { t } from "../../i18n";
import type { Entry, Person } from "../../lib/types";

/** So many are named, the rest are counted. */
const NAMED = 4;

/** What a `created`, `joined` or `left` entry says, in one sentence; empty for types that this client does not know. */
export function noteText(entry: Entry): string {
  const words = t.conversation;
  const sender = entry.sender.name;
  const members = entry.members ?? [];
  const alone = members.length === 1 && members[0]?.id === entry.sender.id;
  switch (entry.type) {
    case "created": {
      const [names, more] = counted(members.filter(({ id }) => id !== entry.sender.id));
      return names.length ? words.createdWith(sender, names, more) : words.created(sender);
    }
    case "joined":
      return alone ? words.joined([sender], 0) : words.added(sender, ...counted(members));
    case "left":
      return alone ? words.departed([sender], 0) : words.removed(sender, ...counted(members));
    default:
      return "";
  }
}

function counted(members: readonly Person[]): [names: string[], more: number] {
  const names = members.slice(0, NAMED).map(({ name }) => name);
  return [names, members.length - names.length];
}
