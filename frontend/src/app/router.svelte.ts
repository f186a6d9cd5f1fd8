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
    else history.pushState(null, "", path);
    this.#read();
  }

  /** Where details cover the conversation (`covers`), the way back leads to it. */
  showDetails(covers: boolean): void {
    if (this.details) return;
    if (covers) history.pushState({ details: true, covers: true }, "");
    else history.replaceState({ details: true }, "");
    this.#read();
  }

  hideDetails(): void {
    if (!this.details) return;
    if ((history.state as { covers?: boolean } | null)?.covers) {
      history.back();
    } else {
      history.replaceState(null, "");
      this.#read();
    }
  }

  readonly #read = (): void => {
    this.channelId = channelOf(location.pathname);
    this.details = (history.state as { details?: boolean } | null)?.details ?? false;
  };
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
