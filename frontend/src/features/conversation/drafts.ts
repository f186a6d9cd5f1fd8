import { forget, keysBeginning, recall, remember } from "../../lib/storage";

/** What was begun and not sent is kept by the browser, each person's apart. */
const prefixOf = (userId: string) => `chirpbird.draft.${userId}.`;
const keyOf = (userId: string, channelId: string) => prefixOf(userId) + channelId;

export function draftOf(userId: string, channelId: string): string {
  return recall(keyOf(userId, channelId)) ?? "";
}

export function keepDraft(userId: string, channelId: string, text: string): void {
  if (text === "") forget(keyOf(userId, channelId));
  else remember(keyOf(userId, channelId), text);
}

/** How many drafts somebody has; blank ones do not count. */
export function countDrafts(userId: string): number {
  return keysBeginning(prefixOf(userId)).filter((key) => recall(key)?.trim()).length;
}

export function forgetDrafts(userId: string): void {
  for (const key of keysBeginning(prefixOf(userId))) forget(key);
}
