/// <reference lib="webworker" />
import { answerFor, type Update } from "./shell";

/** Filled in by build/worker.ts. */
declare const __SHELL_FILES__: readonly string[];
declare const __SHELL_VERSION__: string;

const PREFIX = "chirpbird-shell-";
const CACHE = PREFIX + __SHELL_VERSION__;
const FILES = new Set(__SHELL_FILES__);

// The page's own types say `Window`.
const worker = self as unknown as ServiceWorkerGlobalScope;

worker.addEventListener("install", (event) => {
  // All of it or none: a page of one version never meets a script of another.
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll([...FILES].map((path) => new Request(path, { cache: "no-cache" })))),
  );
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith(PREFIX) && name !== CACHE)
            .map((name) => caches.delete(name)),
        ),
      ),
  );
});

worker.addEventListener("message", (event) => {
  if (event.data === ("update" satisfies Update)) event.waitUntil(worker.skipWaiting());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = answerFor(request.method, request.mode, new URL(request.url), worker.location.origin, FILES);
  if (path === null) return;
  event.respondWith(
    caches
      .open(CACHE)
      .then((cache) => cache.match(path))
      .then((known) => known ?? fetch(request)),
  );
});
