/** What the page says to the worker that waits: take over. A type, for the worker is one file and shares no code with the page. */
export type Update = "update";

/** The file of the page's own that answers a request; null: the request is the network's business. */
export function answerFor(
  method: string,
  mode: RequestMode,
  { origin, pathname }: URL,
  ours: string,
  files: ReadonlySet<string>,
): string | null {
  if (method !== "GET" || origin !== ours) return null;
  if (mode === "navigate") return pathname === "/" || /^\/c(?:\/|$)/.test(pathname) ? "/" : null;
  return files.has(pathname) ? pathname : null;
}
