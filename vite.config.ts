// Builds the dashboard into dist/ui: hashed assets, no inline script or data: URL, so that a strict CSP holds.

import preact from '@preact/preset-vite'
import { defineConfig } from 'vite'

const GATEWAY = 'http://127.0.0.1:8080'

export default defineConfig({
  root: 'src/ui',
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false })],
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      '/api': { target: GATEWAY, ws: true },
      '/healthz': GATEWAY,
      '/readyz': GATEWAY,
    },
  },
})
