/** A row and how far its top is above the view's, in pixels. */
export interface Place {
  readonly key: string;
  readonly offset: number;
}

const places = new Map<string, Place>();

/** Where one was reading in a channel when one left it; undefined: at the end. */
export function placeIn(channelId: string): Place | undefined {
  return places.get(channelId);
}

export function rememberPlace(channelId: string, place: Place | null): void {
  if (place) places.set(channelId, place);
  else places.delete(channelId);
}
