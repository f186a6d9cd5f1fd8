import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** The service worker's file: at the root, so that it may answer for every page, and never under another name. */
export const WORKER = "sw.js";

const SHELL = /^(?:assets\/.+\.(?:js|css)|[^/]+\.(?:svg|png|webmanifest)|theme\.js)$/;

/** Tells the service worker which files make a version of the page, and which version that is. */
export function worker(directory: string): Plugin {
  return {
    name: "worker",
    apply: "build",
    writeBundle: {
      sequential: true,
      order: "post",
      handler() {
        const files = readdirSync(directory, { recursive: true, encoding: "utf8" })
          .map((name) => name.replaceAll("\\", "/"))
          .filter((name) => SHELL.test(name))
          .sort();
        const version = createHash("sha256");
        for (const name of ["index.html", WORKER, ...files])
          version.update(readFileSync(join(directory, name)));
        const path = join(directory, WORKER);
        const built = readFileSync(path, "utf8");
        if (/^import\b/.test(built)) throw new Error(`${WORKER} imports other files, one file is expected`);
        const code = built
          .replaceAll("__SHELL_FILES__", JSON.stringify(["/", ...files.map((name) => `/${name}`)]))
          .replaceAll("__SHELL_VERSION__", JSON.stringify(version.digest("hex").slice(0, 12)));
        writeFileSync(path, code);
      },
    },
  };
}
