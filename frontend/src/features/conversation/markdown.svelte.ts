/** Signs that mean something to Markdown, or make a link. Without any of them, text is just text. */
const MARKED = /[*_~`[\]>\\]|^\s*(?:[-+]|\d+[.)])\s|:\/\/|\w\.\w|mailto:/m;
const KEPT = 500;

type Render = (text: string) => string;

let render: Render | null = $state.raw(null);
const rendered = new Map<string, string>();

/** Fetches the renderer, which is not part of what the first page needs. */
export function preloadMarkdown(): void {
  if (render) return;
  // Until it is there, or if it cannot be had, messages show as they were typed.
  import("./markdown").then(
    (module) => (render = module.render),
    () => undefined,
  );
}

/** Safe HTML of a message, or null if plain text says the same (or the renderer is still on its way). */
export function htmlOf(text: string): string | null {
  if (!render || !MARKED.test(text)) return null;
  const known = rendered.get(text);
  if (known !== undefined) return known;
  const html = render(text);
  if (rendered.size >= KEPT) rendered.delete(rendered.keys().next().value ?? "");
  rendered.set(text, html);
  return html;
}
