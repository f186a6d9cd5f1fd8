import { createSubscriber } from "svelte/reactivity";

const MINUTE_MS = 60_000;

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, MINUTE_MS);
  return () => clearInterval(timer);
});

/** The present, to the minute: what reads it in an effect or a template is told when the minute has passed. */
export function now(): Date {
  subscribe();
  return new Date();
}
