import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

import { icons } from "./build/icons.ts";
import { precompress } from "./build/precompress.ts";
import { swagger } from "./build/swagger.ts";
import { WORKER, worker } from "./build/worker.ts";

const OUTPUT = fileURLToPath(new URL("../src/chirpbird/web/client", import.meta.url));
const SERVER = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte(), svelteTesting(), icons(OUTPUT), worker(OUTPUT), swagger(OUTPUT), precompress(OUTPUT)],
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: "es2022",
    // The content security policy allows files of ours and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    rolldownOptions: {
      input: { index: "index.html", worker: "src/worker/sw.ts" },
      output: { entryFileNames: ({ name }) => (name === "worker" ? WORKER : "assets/[name]-[hash].js") },
    },
  },
  server: {
    proxy: {
      "/connection": { target: SERVER, ws: true },
      "^/(users|sessions|channels|directs|docs|openapi.json|ping|health)": SERVER,
    },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.ts"] },
});
