import { ServerError } from "../../lib/errors";
import { request } from "../../lib/http";
import { forget, recall, remember } from "../../lib/storage";
import type { User } from "../../lib/types";
import { forgetSeen } from "../offline/seen";

interface Grant {
  readonly user: User;
  readonly accessToken: string;
  readonly expiresIn: number;
}

export type SessionState =
  | { readonly phase: "restoring"; readonly slow: boolean }
  | { readonly phase: "out"; readonly elsewhere: boolean }
  | { readonly phase: "in"; readonly user: User };

const KNOWN_KEY = "chirpbird.known";
/** Who was here last: they see what they have seen also while the server cannot be reached. */
const USER_KEY = "chirpbird.user";
/** Somebody has signed out, and the server may not know it yet. */
const LEAVING_KEY = "chirpbird.leaving";
const LOCK = "chirpbird.refresh";
const NEWS = "chirpbird.session";
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

/** Who is signed in here. The access token lives in memory only; the cookie that renews it is out of our sight. */
export class Session {
  state: SessionState = $state.raw({ phase: "restoring", slow: false });
  #news = new BroadcastChannel(NEWS);

  constructor() {
    this.#news.onmessage = () => {
      if (this.state.phase === "in") this.state = { phase: "out", elsewhere: true };
    };
  }

  /** Somebody has signed in with this browser before. */
  get known(): boolean {
    return recall(KNOWN_KEY) !== null;
  }

  /** Signs in by the cookie, if it is still good; goes on trying while the server cannot be reached. */
  async restore(): Promise<void> {
    if (recall(LEAVING_KEY) !== null) {
      this.state = { phase: "out", elsewhere: false };
      await this.#end();
      return;
    }
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        this.#enter(await refresh());
        return;
      } catch (error) {
        if (error instanceof ServerError && !error.temporary) {
          forget(USER_KEY);
          void forgetSeen();
          this.state = { phase: "out", elsewhere: false };
          return;
        }
      }
      const user = keptUser();
      if (user) {
        // The connection goes on trying, and ends this if the sign-in is over.
        this.state = { phase: "in", user };
        return;
      }
      this.state = { phase: "restoring", slow: true };
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** Throws ServerError, with `field` where one is at fault. */
  async register(username: string, password: string): Promise<void> {
    await this.#ending;
    this.#enter(await request<Grant>("POST", "/users", { username, password }));
  }

  /** Throws ServerError. */
  async signIn(username: string, password: string): Promise<void> {
    await this.#ending;
    this.#enter(await request<Grant>("POST", "/sessions", { username, password }));
  }

  /** This page forgets who was here at once; the cookie goes as soon as the server can be reached, at the latest after a reload. */
  async signOut(): Promise<void> {
    remember(LEAVING_KEY, "1");
    forget(USER_KEY);
    this.#unused = null;
    this.state = { phase: "out", elsewhere: false };
    void forgetSeen();
    this.#news.postMessage("out");
    await this.#end();
  }

  /**
   * An access token for the realtime connection. Throws ServerError: temporary if the server cannot be reached, final
   * if the sign-in is over.
   */
  async token(): Promise<string> {
    const unused = this.#unused;
    this.#unused = null;
    if (unused && unused.until > Date.now()) return unused.token;
    const grant = await refresh();
    if (this.state.phase === "in" && this.state.user.id !== grant.user.id) {
      // Another tab signed somebody else in. Nothing that was written here may go out in their name.
      location.reload();
      throw new ServerError("someone_else", "", "", true);
    }
    return grant.accessToken;
  }

  /** The sign-in is over, and nobody in this tab has asked for that. */
  ended(): void {
    if (this.state.phase !== "in") return;
    forget(USER_KEY);
    void forgetSeen();
    this.state = { phase: "out", elsewhere: true };
  }

  /** The cookie's end being asked for: it must not take a new cookie with it. */
  #ending: Promise<void> = Promise.resolve();
  #unused: { token: string; until: number } | null = null;

  #end(): Promise<void> {
    this.#ending = locked(() => request("DELETE", "/sessions/current")).then(
      () => forget(LEAVING_KEY),
      (error: unknown) => {
        if (error instanceof ServerError && !error.temporary) forget(LEAVING_KEY);
      },
    );
    return this.#ending;
  }

  #enter(grant: Grant): void {
    remember(KNOWN_KEY, "1");
    remember(USER_KEY, JSON.stringify(grant.user));
    forget(LEAVING_KEY);
    // Half its life: enough for the first connect, and no clock is that wrong.
    this.#unused = { token: grant.accessToken, until: Date.now() + grant.expiresIn * 500 };
    this.state = { phase: "in", user: grant.user };
  }
}

function keptUser(): User | null {
  try {
    const user = JSON.parse(recall(USER_KEY) ?? "null") as Partial<User> | null;
    return user?.id && user.name && user.username ? (user as User) : null;
  } catch {
    return null;
  }
}

function refresh(): Promise<Grant> {
  return locked(() => request<Grant>("POST", "/sessions/refresh"));
}

/** One tab at a time: each use of the cookie replaces it. Origins that are not secure have no locks. */
function locked<T>(ask: () => Promise<T>): Promise<T> {
  return "locks" in navigator ? (navigator.locks.request(LOCK, ask) as Promise<T>) : ask();
}
