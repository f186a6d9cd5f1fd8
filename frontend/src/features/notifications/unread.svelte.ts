import { SvelteMap } from "svelte/reactivity";

/** What came while the window was not looked at: for the title and the icon of the tab. */
export class Missed {
  readonly #counts = new SvelteMap<string, number>();

  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  add(channelId: string): void {
    this.#counts.set(channelId, (this.#counts.get(channelId) ?? 0) + 1);
  }

  /** The channel was looked at, or is gone. */
  seen(channelId: string): void {
    this.#counts.delete(channelId);
  }
}

/** "(3) Pond watch · Chirpbird" */
export function titleOf(parts: readonly string[], missed: number): string {
  const title = parts.join(" · ");
  return missed ? `(${missed > 99 ? "99+" : missed}) ${title}` : title;
}

/** The number on the app's icon, where there is one, and the dot on the tab's. */
export function showBadge(missed: number): void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const href = missed ? "/favicon-unread.svg" : "/favicon.svg";
  if (icon && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  if (!("setAppBadge" in navigator)) return;
  void (missed ? navigator.setAppBadge(missed) : navigator.clearAppBadge()).catch(() => undefined);
}
