import { notices } from "../../app/notices.svelte";
import { t } from "../../i18n";
import type { Update } from "../../worker/shell";

const HOUR_MS = 3_600_000;

/** Has the page kept by the browser, and offers a new version when there is one. On origins that are not secure it does nothing. */
export function keepPage(): void {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  // After the first page is there: it must not wait for a copy of itself.
  addEventListener("load", () => void register().catch(() => undefined), { once: true });
  if (document.readyState === "complete") void register().catch(() => undefined);
}

let registered = false;
let asked = false;

async function register(): Promise<void> {
  if (registered) return;
  registered = true;
  const registration = await navigator.serviceWorker.register("/sw.js");
  if (registration.waiting) offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => {
      // Without a controller it is the first version, and the one on the screen.
      if (installing.state === "installed" && navigator.serviceWorker.controller) offer(installing);
    });
  });
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (asked) location.reload();
  });
  const look = () => void registration.update().catch(() => undefined);
  setInterval(look, HOUR_MS);
  addEventListener("online", look);
}

function offer(worker: ServiceWorker): void {
  notices.ask(t.app.newVersion, t.app.reload, () => {
    asked = true;
    // Another tab may have had it take over already.
    if (worker.state === "activated") location.reload();
    else worker.postMessage("update" satisfies Update);
  });
}
