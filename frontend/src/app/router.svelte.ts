/** What we keep with an entry of the browser's history. */
interface Step {
  readonly details?: boolean;
  /** The entry before is the same address without details. */
  readonly covers?: boolean;
  /** The entry before is the list. */
  readonly fromList?: boolean;
}

/** The address is the truth: `/` is the list, `/c/<channel>` a conversation. Details are a step of the history upon it. */
class Router {
  channelId: string | null = $state(channelOf(location.pathname));
  details = $state(false);

  constructor() {
    this.#read();
    addEventListener("popstate", this.#read);
  }

  /** `replace`: the present address shall not be come back to. */
  go(channelId: string | null, { replace = false } = {}): void {
    const path = pathOf(channelId);
    if (path === location.pathname && !this.details) return;
    if (replace || path === location.pathname) history.replaceState(null, "", path);
    else history.pushState({ fromList: this.channelId === null } satisfies Step, "", path);
    this.#read();
  }

  /** To the list: a step back if one came from there. */
  toList(): void {
    if (step().fromList) history.back();
    else this.go(null, { replace: true });
  }

  /** Where details cover the conversation (`covers`), the way back leads to it. */
  showDetails(covers: boolean): void {
    if (this.details) return;
    if (covers) history.pushState({ details: true, covers: true } satisfies Step, "");
    else history.replaceState({ ...step(), details: true } satisfies Step, "");
    this.#read();
  }

  hideDetails(): void {
    if (!this.details) return;
    if (step().covers) {
      history.back();
    } else {
      history.replaceState({ ...step(), details: false } satisfies Step, "");
      this.#read();
    }
  }

  readonly #read = (): void => {
    this.channelId = channelOf(location.pathname);
    this.details = step().details ?? false;
  };
}

function step(): Step {
  return (history.state as Step | null) ?? {};
}

export function pathOf(channelId: string | null): string {
  return channelId === null ? "/" : `/c/${encodeURIComponent(channelId)}`;
}

function channelOf(path: string): string | null {
  const [, id] = /^\/c\/([^/]+)\/?$/.exec(path) ?? [];
  try {
    return id ? decodeURIComponent(id) : null;
  } catch {
    return null;
  }
}

export const router = new Router();
