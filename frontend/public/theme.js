// Before the first paint, so that a dark room stays dark. The rest is src/features/settings/theme.svelte.ts.
try {
  const theme = localStorage.getItem("chirpbird.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden: the system's theme then.
}
