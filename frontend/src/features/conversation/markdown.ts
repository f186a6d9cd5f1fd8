import DOMPurify from "dompurify";
import MarkdownIt from "markdown-it";

const TAGS = ["p", "br", "a", "em", "strong", "s", "code", "pre", "ul", "ol", "li", "blockquote"];
const ATTRIBUTES = ["href", "start", "dir", "target", "rel"];
const SAFE_ADDRESS = /^(?:https?:|mailto:)/i;

const markdown = new MarkdownIt("default", { html: false, linkify: true, breaks: true });
// A chat is no document: no headings, pictures or tables; four blanks are no code; what is typed as &amp; stays that.
markdown.disable(["heading", "lheading", "hr", "table", "reference", "code", "image", "entity"]);
markdown.linkify.set({ fuzzyEmail: false });

for (const block of ["paragraph_open", "list_item_open", "blockquote_open"]) {
  markdown.renderer.rules[block] = (tokens, index, options, _env, renderer) => {
    tokens[index]?.attrSet("dir", "auto");
    return renderer.renderToken(tokens, index, options);
  };
}

// The text keeps its blanks on the page: a line break is one sign, and not two.
markdown.renderer.rules["softbreak"] = markdown.renderer.rules["hardbreak"] = () => "<br>";

const purifier = DOMPurify(window);
purifier.addHook("afterSanitizeAttributes", (node) => {
  // Wider than the page: to be scrolled with the keys too.
  if (node.tagName === "PRE") node.setAttribute("tabindex", "0");
  if (node.tagName !== "A") return;
  // Whatever was written: a link leads away, to a page that learns nothing of this one.
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

/** Safe HTML of a message: links, emphasis, code, lists and quotes; everything else is shown as it was typed. */
export function render(text: string): string {
  return purifier.sanitize(markdown.render(text), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: SAFE_ADDRESS,
    ADD_URI_SAFE_ATTR: ["start", "dir"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}
