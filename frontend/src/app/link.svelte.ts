import type { LinkState } from "../realtime/realtime";

export type LinkWords = "connecting" | "reconnecting" | "offline" | "full" | "stopped";

/** A hiccup shorter than this is nobody's business. */
const PATIENCE_MS = 1000;
/** The protocol's disconnect code for too many connections. */
const CONNECTION_LIMIT = 3504;

/** How the connection is doing, in as few words as possible: null while all is well. */
export class Link {
  words: LinkWords | null = $state(null);
  connected = $state(false);
  #before = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  update({ phase, code }: LinkState): void {
    this.connected = phase === "connected";
    if (phase === "connecting") {
      this.#timer ??= setTimeout(this.#speak, PATIENCE_MS);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (phase === "connected") {
      this.#before = true;
      this.words = null;
    } else {
      this.words = code === CONNECTION_LIMIT ? "full" : "stopped";
    }
  }

  /** To be called when the browser says that its network came or went. */
  network(): void {
    if (this.words === "offline" || this.words === "connecting" || this.words === "reconnecting")
      this.#speak();
  }

  readonly #speak = (): void => {
    this.words = !navigator.onLine ? "offline" : this.#before ? "reconnecting" : "connecting";
  };
}
