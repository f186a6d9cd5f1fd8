/** What a row of the channel list is sorted by. */
export interface Active {
  readonly id: string;
  /** Milliseconds since 1970 of the last message, or of the creation. */
  readonly activeAt: number;
}

/** Most recently active first. Ids begin with their time of creation and break ties. */
export function byActivity<T extends Active>(channels: Iterable<T>): T[] {
  return [...channels].sort((a, b) => b.activeAt - a.activeAt || (a.id < b.id ? 1 : -1));
}

/** The order that was on screen, kept while somebody points at it: gone ones leave, new ones come last. */
export function held<T extends Active>(channels: readonly T[], order: readonly string[]): T[] {
  const place = new Map(order.map((id, index) => [id, index]));
  const at = (id: string) => place.get(id) ?? Infinity;
  // Stable: those without a place keep the order that they have.
  return [...channels].sort((a, b) => (at(a.id) === at(b.id) ? 0 : at(a.id) - at(b.id)));
}
