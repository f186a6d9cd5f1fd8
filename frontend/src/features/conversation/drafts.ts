import { forget, recall, remember } from "../../lib/storage";

const keyOf = (userId: string, channelId: string) => `chirpbird.draft.${userId}.${channelId}`;

export function draftOf(userId: string, channelId: string): string {
  return recall(keyOf(userId, channelId)) ?? "";
}

export function keepDraft(userId: string, channelId: string, text: string): void {
  if (text === "") forget(keyOf(userId, channelId));
  else remember(keyOf(userId, channelId), text);
}
