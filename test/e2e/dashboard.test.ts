// The built dashboard in the system's Chromium, before the real API and a plant that moves. Screenshots go to test-results/.

import { readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { HOT_SENSOR } from './fixture-model.ts'
import { startFixtureServer, type FixtureServer } from './fixture-server.ts'

const MAX_GZIPPED_BYTES = 150_000

const PAGES = [
  { name: 'overview', path: '/', heading: 'need attention' },
  { name: 'machine', path: '/machines/press-2', heading: 'Press 2' },
  { name: 'sensor', path: `/sensors/${HOT_SENSOR}`, heading: 'Oil temperature' },
  { name: 'sensor-text', path: '/sensors/compressor.state', heading: 'State' },
  { name: 'alarms', path: '/alarms', heading: 'Alarms' },
  { name: 'devices', path: '/devices', heading: 'Devices' },
  { name: 'uplinks', path: '/uplinks', heading: 'Uplinks' },
  { name: 'parts', path: '/parts', heading: 'Parts' },
  { name: 'not-found', path: '/sensors/press-9.nothing', heading: 'No such sensor' },
] as const

/** Every page in the first two; the others show the same parts in other colours and sizes. */
const LOOKS = [
  { look: 'desk-light', isFull: true, options: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' } },
  { look: 'phone-dark', isFull: true, options: { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } },
  { look: 'desk-dark', isFull: false, options: { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' } },
  { look: 'phone-light', isFull: false, options: { viewport: { width: 390, height: 844 }, colorScheme: 'light' } },
  { look: 'high-contrast', isFull: false, options: { viewport: { width: 1440, height: 900 }, contrast: 'more' } },
  {
    look: 'forced-colours',
    isFull: false,
    options: { viewport: { width: 1440, height: 900 }, forcedColors: 'active' },
  },
] as const satisfies readonly { look: string; isFull: boolean; options: BrowserContextOptions }[]

let dashboard: BuiltDashboard
let server: FixtureServer
let browser: Browser

/** A page on the server that notes what must not happen: errors on the console, and requests that leave the box. */
async function openPage(
  path: string,
  options: BrowserContextOptions = {},
  base = server.url,
): Promise<{ page: Page; complaints: string[]; context: BrowserContext }> {
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin', locale: 'en-GB', ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== base) complaints.push(`request to ${request.url()}`)
  })
  await page.goto(base + path)
  return { page, complaints, context }
}

async function seriousFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** What index.html asks for, what that imports at once, and every style and font. */
function firstLoad(folder: string): string[] {
  const all = filesBelow(folder)
  const found = new Set(all.filter((file) => /\.(?:html|css|woff2|svg)$/.test(file)))
  const follow = (file: string): void => {
    const text = readFileSync(file, 'utf8')
    const named = [
      ...text.matchAll(/(?:src|href)="\/?([^"]+\.js)"/g),
      ...text.matchAll(/(?:from|import)\s*["']([^"']+\.js)["']/g),
    ]
    for (const [, name] of named) {
      const next = all.find((other) => other.endsWith(`/${name!.split('/').at(-1)!}`))
      if (next === undefined || found.has(next)) continue
      found.add(next)
      follow(next)
    }
  }
  follow(join(folder, 'index.html'))
  return [...found]
}

beforeAll(async () => {
  dashboard = await buildDashboard()
})
afterAll(() => dashboard?.remove())

describe('the built dashboard', () => {
  it('loads less than 150 kB gzipped, fonts included; what few people open comes when it is opened', () => {
    const files = filesBelow(dashboard.folder)
    const first = firstLoad(dashboard.folder)
    const total = first.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0)
    expect(first.some((file) => file.endsWith('.js'))).toBe(true)
    expect(first.length).toBeLessThan(files.length)
    expect(total).toBeLessThan(MAX_GZIPPED_BYTES)
  })

  it('holds no inline script or style, so that a strict content security policy can stand', () => {
    const html = readFileSync(join(dashboard.folder, 'index.html'), 'utf8')
    expect(html).toMatch(/<script[^>]+src="/)
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=/)
  })
})

describe.skipIf(chromiumPath === null)('the dashboard in a browser (needs chromium)', () => {
  beforeAll(async () => {
    await mkdir(RESULTS, { recursive: true })
    server = await startFixtureServer({ dashboardDir: dashboard.folder })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  describe.each(LOOKS)('looked at as $look', ({ look, isFull, options }) => {
    const pages = PAGES.filter(({ name }) => isFull || ['overview', 'sensor', 'parts'].includes(name))
    it.each(pages)('$name loads without a complaint and axe finds nothing serious', async ({ name, path, heading }) => {
      const { page, complaints } = await openPage(path, options)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      await page.getByText('Live', { exact: true }).first().waitFor()
      expect(await seriousFindings(page)).toEqual([])
      const isWider = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
      expect(isWider, 'the page scrolls sideways').toBe(false)
      await page.screenshot({ path: join(RESULTS, `${name}-${look}.png`) })
      expect(complaints).toEqual([])
    })
  })

  it('shows values that change by themselves', async () => {
    const { page } = await openPage('/')
    const value = page.locator('.sensor-row', { hasText: 'Motor power' }).first().locator('.value-number')
    const before = await value.textContent()
    await expect.poll(() => value.textContent()).not.toBe(before)
  })

  it('shows 64-bit integers to the last digit', async () => {
    const { page } = await openPage('/sensors/energy-meter.active-energy')
    const number = page.locator('.big-value .value-number')
    await expect.poll(() => number.textContent()).toMatch(/^9/)
    const text = (await number.textContent())!.replaceAll('\u202f', '')
    expect(BigInt(text)).toBeGreaterThan(9_007_199_254_740_993n)
    const exact = server.plant.latest.read(
      server.plant.info.model().sensor('energy-meter.active-energy')!.number,
    )!.value
    expect(BigInt(text) % 100_000n).toBeGreaterThan((BigInt(exact as bigint) % 100_000n) - 5n)
  })

  it('announces a new alarm, shows it everywhere, and acknowledges it with a comment', async () => {
    const { page } = await openPage('/')
    await page.getByText('Live', { exact: true }).first().waitFor()
    server.plant.raise('3-77', 'press-1.oil-pressure', {
      severity: 'urgent',
      message: 'Oil pressure 221 bar is above its limit of 215 bar',
    })
    await page
      .getByRole('status')
      .getByText('New alarm, priority urgent: Press 1, Oil pressure')
      .waitFor({ state: 'attached' })
    const line = page.locator('.alarm-line', { hasText: 'Oil pressure 221 bar' })
    await line.getByRole('button', { name: 'Acknowledge' }).click()
    const dialog = page.getByRole('dialog', { name: 'Acknowledge alarm' })
    await dialog.getByLabel('Comment').fill('Valve checked')
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'acknowledge-dialog.png') })
    await dialog.getByRole('button', { name: 'Acknowledge' }).click()
    await line.getByText('Acknowledged', { exact: true }).waitFor()
    expect(server.plant.alarms.get('3-77')?.acknowledged).toBe(true)
    expect(server.plant.alarms.comments).toContain('Valve checked')
  })

  it('shelves an alarm for eight hours and takes it from the shelf again', async () => {
    server.plant.raise('3-78', 'press-1.vibration', { severity: 'low', message: 'Vibration is odd today' })
    const { page } = await openPage('/alarms')
    const row = page.locator('tr', { hasText: 'Vibration is odd today' })
    await row.getByRole('button', { name: 'Shelve' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('8 hours').check()
    await dialog.getByRole('button', { name: 'Shelve' }).click()
    await row.getByText('shelved until').waitFor()
    const until = server.plant.alarms.get('3-78')!.shelvedUntil!
    expect(until - Date.now()).toBeGreaterThan(7.9 * 3_600_000)
    await row.getByRole('button', { name: 'Unshelve' }).click()
    await row.getByText('shelved until').waitFor({ state: 'detached' })
    expect(server.plant.alarms.get('3-78')!.shelvedUntil).toBeNull()
  })

  it('writes a value after a confirmation and shows what the device kept', async () => {
    const { page } = await openPage('/sensors/press-1.stroke-rate')
    await page.getByRole('button', { name: 'Write a value' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('New value').fill('12,5')
    await dialog.getByRole('button', { name: 'Continue' }).click()
    await dialog.getByText('Write the decimal sign as a point').waitFor()
    await dialog.getByLabel('New value').fill('55')
    await dialog.getByRole('button', { name: 'Continue' }).click()
    await dialog.getByText('The machine may react at once').waitFor()
    await page.screenshot({ path: join(RESULTS, 'write-dialog.png') })
    await dialog.getByRole('button', { name: 'Write' }).click()
    await dialog.getByText('The device kept another value').waitFor()
    await dialog.getByText('40 1/min').first().waitFor()
  })

  it('says why a write failed and keeps the dialog', async () => {
    const { page } = await openPage('/sensors/press-3.running')
    await page.getByRole('button', { name: 'Write a value' }).click()
    const dialog = page.getByRole('dialog')
    await page.route('**/value', (route) => route.abort())
    await dialog.getByRole('button', { name: 'Continue' }).click()
    await dialog.getByRole('button', { name: 'Write' }).click()
    await dialog.getByText('The gateway does not answer.').waitFor()
  })

  it('zooms a trend by dragging and goes back to live', async () => {
    const { page } = await openPage(`/sensors/${HOT_SENSOR}`)
    const plot = page.locator('.u-over')
    await plot.waitFor()
    await page.getByText('Drag across the chart to zoom').waitFor()
    const box = (await plot.boundingBox())!
    await page.mouse.move(box.x + box.width * 0.3, box.y + 60)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.6, box.y + 90, { steps: 5 })
    await page.mouse.up()
    const back = page.getByRole('button', { name: 'Back to live' })
    await back.waitFor()
    expect(await page.locator('.chart-foot').textContent()).toMatch(/\d{2}:\d{2}:\d{2} – .*\d{2}:\d{2}:\d{2}/)
    await back.click()
    await page.getByText('The last 15 min, live').waitFor()
  })

  it.each(['1 hour', '8 hours', '24 hours', '7 days', '30 days'])('shows a trend over %s', async (words) => {
    const { page, complaints } = await openPage(`/sensors/${HOT_SENSOR}`)
    await page.getByRole('button', { name: words }).click()
    await page.getByText('Drag across the chart to zoom').waitFor()
    expect(await page.getByRole('img', { name: /^Trend\. From .* °C; lowest .* °C, highest .* °C/ }).count()).toBe(1)
    await page.screenshot({ path: join(RESULTS, `trend-${words.replace(' ', '-')}.png`) })
    expect(complaints).toEqual([])
  })

  it('can be used with the keyboard: skip link, machine, sensor', async () => {
    const { page } = await openPage('/')
    // There is a heading while the page loads, too.
    await page
      .getByRole('link', { name: /^Press 3/ })
      .first()
      .waitFor()
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toContain('Skip to the content')
    await page
      .getByRole('link', { name: /^Press 3/ })
      .first()
      .focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Press 3' }).waitFor()
    expect(await page.evaluate('document.activeElement?.tagName')).toBe('H1')
    await page.getByRole('link', { name: 'Frame vibration' }).last().focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Frame vibration' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'Press 3' }).waitFor()
  })

  it('keeps the chosen colours after a reload', async () => {
    const { page } = await openPage('/', { colorScheme: 'light' })
    await page.getByRole('button', { name: 'Colours: auto. Change to light' }).click()
    await page.getByRole('button', { name: 'Colours: light. Change to dark' }).click()
    await page.reload()
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark')
  })
})
