import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** The console is built once and served by the manager as plain files. Pages have real addresses (`/nodes/01`), so paths are absolute;
 *  each page but the first is a chunk of its own, the style sheet is one. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: false, cssCodeSplit: false },
  // `npm run dev` runs the server beside it.
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/healthz': 'http://127.0.0.1:8080' } },
})
