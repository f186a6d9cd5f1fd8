import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const FILES = ["swagger-ui.css", "swagger-ui-bundle.js"];

/** Puts Swagger UI beside the client: the server's `/docs` works without the internet. */
export function swagger(directory: string): Plugin {
  return {
    name: "swagger",
    apply: "build",
    closeBundle: {
      sequential: true,
      handler() {
        const source = dirname(fileURLToPath(import.meta.resolve("swagger-ui-dist/package.json")));
        mkdirSync(join(directory, "swagger"), { recursive: true });
        for (const name of FILES) copyFileSync(join(source, name), join(directory, "swagger", name));
      },
    },
  };
}
