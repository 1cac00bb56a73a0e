import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The gateway serves dist; see ../internal/web. While developing, "npm run dev"
// serves the sources and passes API calls on to a running gateway.
const api = process.env.SLUICE_URL ?? "http://127.0.0.1:4040";

export default defineConfig({
  plugins: [react()],
  build: {
    // .gitkeep stays, so that Go's embed finds the folder in a fresh checkout.
    emptyOutDir: false,
    // Everything is a file of its own: the Content-Security-Policy allows no inline code.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
  },
  server: { proxy: { "/api": { target: api, changeOrigin: true } } },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
