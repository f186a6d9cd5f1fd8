/** A row and how far its top is above the view's, in pixels. */
export interface Place {
  readonly key: string;
  readonly offset: number;
}
