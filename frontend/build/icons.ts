import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { initWasm, Resvg } from "@resvg/resvg-wasm";
import type { Plugin } from "vite";

const SIZES = [180, 192, 512];
/** Launchers cut icons to their own shapes: what matters is within the inner four fifths, the rest is background. */
const MASKED_SIZE = 512;

/** Draws the PNG icons of the manifest from favicon.svg, and the favicon that says that something is unread. */
export function icons(directory: string): Plugin {
  return {
    name: "icons",
    apply: "build",
    async writeBundle() {
      const svg = readFileSync(join(directory, "favicon.svg"), "utf8");
      await initWasm(readFileSync(createRequire(import.meta.url).resolve("@resvg/resvg-wasm/index_bg.wasm")));
      const draw = (source: string, size: number, name: string) =>
        writeFileSync(
          join(directory, name),
          new Resvg(source, { fitTo: { mode: "width", value: size } }).render().asPng(),
        );
      for (const size of SIZES) draw(svg, size, `icon-${size}.png`);
      draw(masked(svg), MASKED_SIZE, `icon-${MASKED_SIZE}-maskable.png`);
      writeFileSync(join(directory, "favicon-unread.svg"), withDot(svg));
    },
  };
}

function masked(svg: string): string {
  return svg
    .replace('rx="15"', "")
    .replace('viewBox="0 0 64 64"', 'viewBox="-3 -3 70 70"')
    .replace("<rect ", '<rect x="-3" y="-3" ')
    .replace('width="64" height="64"', 'width="70" height="70"');
}

function withDot(svg: string): string {
  return svg.replace(
    "</svg>",
    '  <circle cx="50" cy="14" r="14" fill="#d6322a" stroke="#fff" stroke-width="3" />\n</svg>',
  );
}
