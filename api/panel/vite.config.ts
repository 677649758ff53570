import optimizeLocales from "@react-aria/optimize-locales-plugin";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [
    react(),
    // React Aria brings its words in thirty languages; the panel speaks two.
    { ...optimizeLocales.vite({ locales: ["en-US", "zh-CN"] }), enforce: "pre" },
  ],
  build: {
    // The service forbids data: URLs for everything but images, so nothing is inlined.
    assetsInlineLimit: 0,
  },
  server: {
    // `npm run dev` beside a running `d3station serve`.
    proxy: { "/api": "http://127.0.0.1:8000" },
  },
});
