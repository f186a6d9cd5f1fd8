import { forget, recall, remember } from "../../lib/storage";
import { chirp } from "./sound";

const DESKTOP_KEY = "chirpbird.notifications";
const SOUND_KEY = "chirpbird.sound";
/** Of a longer message the beginning is enough. */
const SHOWN = 200;

/** granted and denied are the browser's; asking: it was not asked yet; missing: it has none for this page. */
export type Permission = "granted" | "denied" | "asking" | "missing";

/** Telling somebody who looks elsewhere. Both ways are off until somebody turns them on, in this browser. */
class Notifications {
  #desktop = $state(recall(DESKTOP_KEY) !== null);
  #sound = $state(recall(SOUND_KEY) !== null);
  permission: Permission = $state(permissionNow());

  /** Wanted, and allowed. */
  get desktop(): boolean {
    return this.#desktop && this.permission === "granted";
  }

  get sound(): boolean {
    return this.#sound;
  }

  set sound(on: boolean) {
    this.#sound = on;
    keep(SOUND_KEY, on);
    if (on) chirp();
  }

  /** To be called by a click: only then does a browser ask. */
  async setDesktop(on: boolean): Promise<void> {
    if (on && this.permission === "asking") {
      await Notification.requestPermission();
      this.permission = permissionNow();
    }
    this.#desktop = on && this.permission === "granted";
    keep(DESKTOP_KEY, this.#desktop);
  }

  /** `tag`: a later one of the same takes the place of this. */
  tell(title: string, body: string, tag: string, onclick: () => void): void {
    if (this.#sound) chirp();
    if (!this.desktop) return;
    try {
      const shown = new Notification(title, { body: body.slice(0, SHOWN), tag, icon: "/icon-192.png" });
      shown.onclick = () => {
        window.focus();
        onclick();
        shown.close();
      };
    } catch {
      // Phones let only service workers show any: the permission is of no use to the page there.
      this.permission = "missing";
    }
  }
}

export const notifications = new Notifications();

function permissionNow(): Permission {
  if (!("Notification" in window) || !window.isSecureContext) return "missing";
  return Notification.permission === "default" ? "asking" : Notification.permission;
}

function keep(key: string, on: boolean): void {
  if (on) remember(key, "1");
  else forget(key);
}
