// Builds the gateway's dashboard and central's pages into dist/ui: hashed assets, no inline script or data: URL, so that a strict CSP holds.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import preact from '@preact/preset-vite'
import { defineConfig, type Plugin } from 'vite'

const entry = (file: string): string => fileURLToPath(new URL(`src/ui/${file}`, import.meta.url))
const GATEWAY = 'http://127.0.0.1:8080'

export default defineConfig({
  root: 'src/ui',
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false }), licences()],
  build: {
    outDir: '../../dist/ui',
    rolldownOptions: { input: { index: entry('index.html'), central: entry('central.html') } },
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

/** Writes down which packages the pages are made of, for GET /api/v1/licences. */
function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle() {
      const folders = new Set<string>()
      for (const id of this.getModuleIds()) {
        const [folder] = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []
        if (folder !== undefined) folders.add(folder.replace(/^\0/, ''))
      }
      const found = [...folders].toSorted().map((folder) => {
        const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Record<string, unknown>
        const { name, version, license } = manifest
        return { name, version, license }
      })
      this.emitFile({ type: 'asset', fileName: 'licences.json', source: JSON.stringify(found) })
    },
  }
}
