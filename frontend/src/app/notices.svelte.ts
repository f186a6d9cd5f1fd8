const SHOWN_MS = 6000;

export interface Notice {
  readonly id: number;
  readonly text: string;
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

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();
