import { fit, folded } from "../../lib/fuzzy";
import type { Channel, User } from "../../lib/types";
import type { ChannelItem } from "../channels/channels.svelte";

/** Somewhere to go. */
export type Target =
  | { readonly kind: "channel"; readonly id: string; readonly name: string; readonly item: ChannelItem }
  | { readonly kind: "person"; readonly id: string; readonly name: string; readonly user: User }
  | { readonly kind: "group"; readonly id: string; readonly name: string; readonly channel: Channel };

const SHOWN = 12;

/** One's channels that fit, the better the higher, the more recent first among equals; then people and public groups. */
export function targetsFor(
  query: string,
  recent: readonly ChannelItem[],
  people: readonly User[],
  groups: readonly Channel[],
): Target[] {
  const wanted = folded(query.trim());
  const own = recent
    .map((item) => ({ item, score: wanted ? scoreOf(item, wanted) : 0 }))
    .filter((one): one is { item: ChannelItem; score: number } => one.score !== null)
    .sort((a, b) => b.score - a.score)
    .map(({ item }): Target => ({ kind: "channel", id: item.id, name: item.title, item }));
  const written = new Set(recent.map(({ other }) => other?.id));
  const mine = new Set(recent.map(({ id }) => id));
  const others = people
    .filter(({ id }) => !written.has(id))
    .map((user): Target => ({ kind: "person", id: user.id, name: user.name, user }));
  const more = groups
    .filter(({ id }) => !mine.has(id))
    .map((channel): Target => ({ kind: "group", id: channel.id, name: channel.name, channel }));
  return [...own, ...(wanted ? [...others, ...more] : [])].slice(0, SHOWN);
}

function scoreOf({ title, other }: ChannelItem, wanted: string): number | null {
  const byTitle = fit(wanted, folded(title));
  const byName = other ? fit(wanted, folded(other.username)) : null;
  return byTitle === null ? byName : byName === null ? byTitle : Math.max(byTitle, byName);
}
