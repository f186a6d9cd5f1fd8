// Prints what a first visit downloads, gzipped: the entry and everything it imports statically.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_KIB = 130;
const client = fileURLToPath(new URL("../../src/chirpbird/web/client/", import.meta.url));
const manifest = JSON.parse(readFileSync(`${client}.vite/manifest.json`, "utf8"));

const first = new Set();
const visit = (key) => {
  if (first.has(key)) return;
  first.add(key);
  for (const imported of manifest[key].imports ?? []) visit(imported);
};
visit("index.html");

const kib = (files) =>
  files.reduce((sum, file) => sum + gzipSync(readFileSync(client + file), { level: 9 }).length, 0) / 1024;
const chunks = Object.entries(manifest);
const js = (keep) =>
  [...new Set(chunks.filter(([key]) => keep(key)).map(([, chunk]) => chunk.file))].filter((f) =>
    f.endsWith(".js"),
  );
const css = [...first].flatMap((key) => manifest[key].css ?? []);

const atFirst = kib(js((key) => first.has(key)));
console.log(`JavaScript at first load: ${atFirst.toFixed(1)} KiB gzipped (budget ${BUDGET_KIB})`);
console.log(`CSS at first load: ${kib(css).toFixed(1)} KiB gzipped`);
console.log(`JavaScript loaded when needed: ${kib(js((key) => !first.has(key))).toFixed(1)} KiB gzipped`);
if (atFirst > BUDGET_KIB) process.exitCode = 1;
