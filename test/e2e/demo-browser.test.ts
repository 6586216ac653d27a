// The main job as a newcomer sees it: the demo's page in the system's Chromium. Values move, an alarm appears, nothing leaves
// the box. `TELEMETRYX_SCREENSHOT=docs/images/overview.png` keeps the picture that the README shows.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import { startDemo, type Demo } from '../gateway/demo-process.ts'
import { chromiumPath, launchChromium } from './chromium.ts'

const SCREENSHOT = process.env['TELEMETRYX_SCREENSHOT'] ?? 'test-results/demo-overview.png'

describe.skipIf(chromiumPath === null)("the demo's page (needs Chromium)", () => {
  let dataDir = ''
  let demo: Demo
  let browser: Browser
  let page: Page
  const foreign: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'telemetryx-browser-'))
    demo = await startDemo({ dataDir })
    browser = await launchChromium()
    page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, colorScheme: 'light' })
    page.on('request', (request) => {
      if (!request.url().startsWith(demo.url)) foreign.push(request.url())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(demo.url)
  })

  afterAll(async () => {
    await browser?.close()
    await demo?.end('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('names every machine and shows values that change', async () => {
    for (const machine of ['Press 1', 'Press 2', 'Press 3', 'Compressor', 'Chiller', 'Energy meter']) {
      await page.getByRole('heading', { name: machine }).first().waitFor()
    }
    const read = (): Promise<string> => page.locator('main').innerText()
    const before = await read()
    await expect.poll(read, { timeout: 10_000 }).not.toBe(before)
  })

  it('shows the alarm of the press that overheats, in words', async () => {
    await page
      .getByText(/Oil temperature .* is above the high limit/)
      .first()
      .waitFor({ timeout: 25_000 })
    await page.screenshot({ path: SCREENSHOT })
  })

  it('acknowledges it', async () => {
    await page
      .getByRole('button', { name: /^Acknowledge/ })
      .first()
      .click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Acknowledge/ })
      .click()
    await expect
      .poll(
        async () => {
          const { items } = await demo.get<{ items: { sensor: string; acknowledged: boolean }[] }>('/alarms?state=all')
          return items.some(({ sensor, acknowledged }) => sensor === 'press-2.oil-temperature' && acknowledged)
        },
        { timeout: 10_000 },
      )
      .toBe(true)
  })

  it('makes no request to anywhere else and reports no error', () => {
    expect(foreign).toEqual([])
    expect(complaints).toEqual([])
  })
})
