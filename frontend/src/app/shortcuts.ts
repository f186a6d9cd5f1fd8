import { flushSync } from "svelte";

import { dialogs } from "./dialogs.svelte";
import { router } from "./router.svelte";
import type { Workspace } from "./workspace";

/** The id of the search field: / leads to it from everywhere. */
export const SEARCH_ID = "search";

/** Keys that work wherever the focus is. */
export function onKey(event: KeyboardEvent, workspace: Workspace): void {
  if (event.defaultPrevented || event.isComposing || dialogs.open) return;
  const writing =
    event.target instanceof Element && event.target.closest("input, textarea, [contenteditable]") !== null;
  const done = act(event, workspace, writing);
  if (done) event.preventDefault();
}

export function focusSearch(): void {
  // Where there is room for one column, the list has to come into view first.
  if (!document.getElementById(SEARCH_ID)) {
    router.go(null);
    flushSync();
  }
  document.getElementById(SEARCH_ID)?.focus();
}

function act(event: KeyboardEvent, { channels }: Workspace, writing: boolean): boolean {
  const bare = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (
    (event.ctrlKey || event.metaKey) &&
    !event.altKey &&
    !event.shiftKey &&
    event.key.toLowerCase() === "k"
  ) {
    dialogs.show({ kind: "switcher" });
  } else if (bare && !writing && event.key === "/") {
    focusSearch();
  } else if (bare && !writing && event.key === "?") {
    dialogs.show({ kind: "shortcuts" });
  } else if (
    event.altKey &&
    !event.ctrlKey &&
    !event.shiftKey &&
    (event.key === "ArrowUp" || event.key === "ArrowDown")
  ) {
    step(
      channels.sorted.map(({ id }) => id),
      event.key === "ArrowUp" ? -1 : 1,
    );
  } else if (bare && event.key === "Escape" && router.details) {
    router.hideDetails();
  } else {
    return false;
  }
  return true;
}

function step(ids: readonly string[], by: number): void {
  const index = router.channelId === null ? -1 : ids.indexOf(router.channelId);
  const next = index < 0 ? ids[0] : ids[Math.min(Math.max(index + by, 0), ids.length - 1)];
  if (next !== undefined) router.go(next);
}
