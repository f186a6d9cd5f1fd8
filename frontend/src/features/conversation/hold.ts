import type { Place } from "./place";

/** Keeps the reader's place while sizes change around it. Only the reader moves away from it. */
export class Hold {
  /** What is held: the end, a row, or nothing. */
  place: "end" | Place | null = "end";
  #top = 0;
  #size = 0;
  #height = 0;
  readonly #offsetOf: (place: Place) => number | null;

  /** `offsetOf`: how far a place is from the top of the list, in pixels; null if it is not in it. */
  constructor(offsetOf: (place: Place) => number | null) {
    this.#offsetOf = offsetOf;
  }

  /** Goes to what is held. */
  pin(scroller: HTMLElement): void {
    if (this.place === null) return;
    const top = this.place === "end" ? scroller.scrollHeight : this.#offsetOf(this.place);
    if (top !== null) scroller.scrollTop = top;
    this.note(scroller);
  }

  /** What is on screen now is what is held. */
  note(scroller: HTMLElement): void {
    this.#top = scroller.scrollTop;
    this.#size = scroller.scrollHeight;
    this.#height = scroller.clientHeight;
  }

  /** The reader has moved: the position is another, and not because a size is. */
  left(scroller: HTMLElement): boolean {
    return (
      this.place !== null &&
      scroller.scrollHeight === this.#size &&
      scroller.clientHeight === this.#height &&
      Math.abs(scroller.scrollTop - this.#top) > 1
    );
  }
}
