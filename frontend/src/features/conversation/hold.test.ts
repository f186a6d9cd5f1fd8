import { beforeEach, describe, expect, test } from "vitest";

import { Hold } from "./hold";

/** What a browser does with a scroll position. */
class View {
  scrollHeight = 2000;
  clientHeight = 500;
  #top = 0;
  get scrollTop(): number {
    return this.#top;
  }
  set scrollTop(top: number) {
    this.#top = Math.max(0, Math.min(top, this.scrollHeight - this.clientHeight));
  }
}

let view: View;
let scroller: HTMLElement;
let hold: Hold;

beforeEach(() => {
  view = new View();
  scroller = view as unknown as HTMLElement;
  hold = new Hold(({ key, offset }) => (key === "row" ? 700 + offset : null));
  hold.pin(scroller);
});

describe("Hold", () => {
  test("stays at the end while the list grows and the room shrinks", () => {
    view.scrollHeight = 2300;
    expect(hold.left(scroller)).toBe(false);
    hold.pin(scroller);
    view.clientHeight = 300;
    expect(hold.left(scroller)).toBe(false);
    hold.pin(scroller);
    expect(view.scrollTop).toBe(2000);
  });

  test("lets the reader go", () => {
    view.scrollTop -= 300;
    expect(hold.left(scroller)).toBe(true);
  });

  test("what shrank has not made the reader leave", () => {
    view.scrollHeight = 1900;
    view.scrollTop = 1400;
    expect(hold.left(scroller)).toBe(false);
  });

  test("holds a row as well as the end", () => {
    hold.place = { key: "row", offset: 12 };
    hold.pin(scroller);
    expect(view.scrollTop).toBe(712);
    hold.place = { key: "gone", offset: 0 };
    hold.pin(scroller);
    expect(view.scrollTop).toBe(712);
  });

  test("holding nothing moves nothing", () => {
    hold.place = null;
    view.scrollTop = 100;
    expect(hold.left(scroller)).toBe(false);
    hold.pin(scroller);
    expect(view.scrollTop).toBe(100);
  });
});
