import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["*.test.js"],
    // The server breaks everybody's connections when a test asks it to.
    fileParallelism: false,
    testTimeout: 30_000,
    cache: false,
  },
});
