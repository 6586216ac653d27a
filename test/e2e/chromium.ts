// The system's Chromium for the browser tests: found by path, started headless, without its background traffic.

import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const CANDIDATES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
]

/** Path of the installed Chromium; null when there is none. */
export const chromiumPath: string | null = CANDIDATES.find((path) => existsSync(path)) ?? null

export function launchChromium(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('No Chromium is installed')
  return chromium.launch({
    executablePath: chromiumPath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
