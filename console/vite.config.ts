import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** The console is built once and served by the manager as plain files; relative paths let it stand behind a proxy's folder. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: false },
  // `npm run dev` runs the server beside it.
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/healthz': 'http://127.0.0.1:8080' } },
})
