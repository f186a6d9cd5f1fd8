const SHOWN_MS = 6000;

export interface Notice {
  readonly id: number;
  readonly text: string;
  /** Something to do about it: the notice stays until it is done or dismissed. */
  readonly action?: { readonly words: string; readonly act: () => void };
}

/** Short words at the foot of the page about what just happened. */
class Notices {
  list: readonly Notice[] = $state.raw([]);
  #last = 0;

  say(text: string): void {
    const notice = { id: ++this.#last, text };
    this.list = [...this.list.slice(-2), notice];
    setTimeout(() => this.dismiss(notice.id), SHOWN_MS);
  }

  /** Asks, once with the same words, and waits for the answer. */
  ask(text: string, words: string, act: () => void): void {
    const others = this.list.filter((notice) => notice.text !== text);
    this.list = [...others, { id: ++this.#last, text, action: { words, act } }];
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();
