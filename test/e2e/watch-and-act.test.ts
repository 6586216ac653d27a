// The pages for watching and acting in the system's Chromium, before the real API: trends, comparison, alarms, journal, devices,
// registers, uplinks. Screenshots go to test-results/.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { HOT_SENSOR } from './fixture-model.ts'
import { startFixtureServer, type FixtureServer } from './fixture-server.ts'

const COMPARED = '/compare?sensors=press-1.oil-temperature,press-2.oil-temperature,press-1.motor-power'

const PAGES = [
  { name: 'compare', path: COMPARED, heading: 'Compare sensors', ready: 'Drag to zoom' },
  { name: 'compare-apart', path: `${COMPARED}&as=apart`, heading: 'Compare sensors', ready: 'Drag to zoom' },
  { name: 'journal', path: '/journal', heading: 'Journal', ready: 'entries' },
  { name: 'journal-events', path: '/journal?kind=event', heading: 'Journal', ready: 'Started as' },
  { name: 'measures', path: '/alarms/measures', heading: 'Measures of the alarms', ready: 'Most frequent' },
  { name: 'device', path: '/devices/press-1', heading: 'press-1', ready: 'addresses 100 to 103' },
  { name: 'device-down', path: '/devices/chiller', heading: 'chiller', ready: 'little room left' },
  { name: 'registers', path: '/devices/press-1/registers', heading: 'Registers', ready: '40001' },
  { name: 'uplink', path: '/uplinks/historian', heading: 'historian', ready: 'balanced' },
] as const

const LOOKS = [
  { look: 'desk-light', options: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' } },
  { look: 'phone-dark', options: { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } },
] as const satisfies readonly { look: string; options: BrowserContextOptions }[]

/** The same parts in other colours and sizes: one page that shows most of them. */
const MORE_LOOKS = [
  { look: 'desk-dark', of: 'compare', options: { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' } },
  { look: 'phone-light', of: 'measures', options: { viewport: { width: 390, height: 844 }, colorScheme: 'light' } },
  {
    look: 'forced-colours',
    of: 'compare',
    options: { viewport: { width: 1440, height: 900 }, forcedColors: 'active' },
  },
  { look: 'high-contrast', of: 'device', options: { viewport: { width: 1440, height: 900 }, contrast: 'more' } },
] as const satisfies readonly { look: string; of: string; options: BrowserContextOptions }[]

let dashboard: BuiltDashboard
let server: FixtureServer
let browser: Browser

async function openPage(
  path: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin', locale: 'en-GB', ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol !== 'blob:' && url.origin !== server.url) complaints.push(`request to ${request.url()}`)
  })
  await page.goto(server.url + path)
  return { page, complaints }
}

async function seriousFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

const shot = (page: Page, name: string): Promise<unknown> => page.screenshot({ path: join(RESULTS, `${name}.png`) })

describe.skipIf(chromiumPath === null)('watching and acting in a browser (needs chromium)', () => {
  beforeAll(async () => {
    dashboard = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    server = await startFixtureServer({ dashboardDir: dashboard.folder })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await dashboard?.remove()
  })

  const looks = [
    ...LOOKS.flatMap((look) => PAGES.map((page) => ({ ...look, ...page }))),
    ...MORE_LOOKS.map((look) => ({ ...look, ...PAGES.find(({ name }) => name === look.of)! })),
  ]
  it.each(looks)('$name as $look loads without a complaint and axe finds nothing serious', async (looked) => {
    const { page, complaints } = await openPage(looked.path, looked.options)
    await page.getByRole('heading', { level: 1, name: looked.heading }).waitFor()
    await page.getByText(looked.ready).first().waitFor()
    expect(await seriousFindings(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), 'it scrolls sideways').toBe(false)
    await shot(page, `${looked.name}-${looked.look}`)
    expect(complaints).toEqual([])
  })

  describe('a trend', () => {
    it('keeps its range in the address, and is moved by keys', async () => {
      const { page } = await openPage(`/sensors/${HOT_SENSOR}?span=8h`)
      await page.getByText('The last 8 h, live').waitFor()
      const chart = page.locator('figure.trend')
      await chart.focus()
      await page.keyboard.press('ArrowLeft')
      await expect.poll(() => page.url()).toContain('from=')
      const { searchParams } = new URL(page.url())
      const from = Date.parse(searchParams.get('from')!)
      await page.keyboard.press('+')
      await expect.poll(() => Date.parse(new URL(page.url()).searchParams.get('from')!)).toBeGreaterThan(from)
      await page.reload()
      await page.getByRole('button', { name: 'Back to live' }).waitFor()
      await page.keyboard.press('Escape')
      await chart.focus()
      await page.keyboard.press('End')
      await page.getByText('The last 15 min, live').waitFor()
    })

    it('is moved by dragging with Shift, and zoomed by Ctrl and the wheel', async () => {
      const { page } = await openPage(`/sensors/${HOT_SENSOR}?from=2026-01-05T08:00:00Z&to=2026-01-05T09:00:00Z`)
      const plot = page.locator('.u-over')
      const box = (await plot.boundingBox())!
      await page.keyboard.down('Shift')
      await page.mouse.move(box.x + box.width * 0.5, box.y + 60)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width * 0.75, box.y + 60, { steps: 4 })
      await page.mouse.up()
      await page.keyboard.up('Shift')
      const rangeOf = (): number[] => {
        const { searchParams } = new URL(page.url())
        return ['from', 'to'].map((key) => Date.parse(searchParams.get(key)!) - Date.UTC(2026, 0, 5, 8))
      }
      await expect.poll(() => Math.round(rangeOf()[0]! / 60_000)).toBe(-15)
      expect(Math.round(rangeOf()[1]! / 60_000)).toBe(45)
      await page.keyboard.down('Control')
      await page.mouse.wheel(0, -400)
      await page.keyboard.up('Control')
      await expect.poll(() => rangeOf()[1]! - rangeOf()[0]!).toBeLessThan(3_500_000)
    })

    it('shows a range that was chosen by its times', async () => {
      const { page } = await openPage(`/sensors/${HOT_SENSOR}`)
      await page.getByRole('button', { name: 'Choose from and to' }).click()
      const dialog = page.getByRole('dialog', { name: 'Show a range' })
      await dialog.getByLabel('From').fill('2026-01-05T10:00:00')
      await dialog.getByLabel('To').fill('2026-01-05T09:00:00')
      await dialog.getByRole('button', { name: 'Show' }).click()
      await dialog.getByText('The end must be later').waitFor()
      await dialog.getByLabel('To').fill('2026-01-05T12:00:00')
      await shot(page, 'range-dialog')
      await dialog.getByRole('button', { name: 'Show' }).click()
      await expect.poll(() => new URL(page.url()).searchParams.get('from')).toBe('2026-01-05T09:00:00.000Z')
      await page.getByText('No readings in this range').waitFor()
    })
  })

  it('compares sensors: adds one, takes one away, and the address shows the same to somebody else', async () => {
    const { page } = await openPage('/sensors/press-1.oil-temperature')
    await page.getByRole('link', { name: 'Compare with others' }).click()
    await page.getByLabel('Sensor').selectOption({ label: 'Press 2 · Oil temperature' })
    await page.getByRole('button', { name: 'Add to the comparison' }).click()
    const table = page.getByRole('table', { name: 'Statistics of the compared sensors' })
    await expect.poll(() => table.locator('tbody tr').count()).toBe(2)
    const address = page.url()
    expect(decodeURIComponent(address)).toContain('sensors=press-1.oil-temperature,press-2.oil-temperature')
    const other = await openPage(address.slice(server.url.length))
    await other.page
      .getByRole('img', { name: /A, press-1\.oil-temperature: From .* B, press-2\.oil-temperature/ })
      .waitFor()
    await page.getByRole('button', { name: 'Remove Press 1 · Oil temperature' }).click()
    await expect.poll(() => table.locator('tbody tr').count()).toBe(1)
  })

  describe('an alarm', () => {
    it('is commented, confirmed and reset, as its check asks for', async () => {
      server.plant.raise('9-1', 'press-1.oil-pressure', {
        message: 'Guard was open',
        severity: 'urgent',
        active: false,
        acknowledged: true,
        confirmed: false,
        latched: true,
        clearedAt: Date.now() - 1000,
      })
      const { page } = await openPage('/alarms')
      const row = page.locator('tr', { hasText: 'Guard was open' })
      await row.getByRole('button', { name: 'Comment' }).click()
      await page.getByRole('dialog').getByLabel('Comment').fill('Lock is worn')
      await page.getByRole('dialog').getByRole('button', { name: 'Save comment' }).click()
      await row.getByText('Lock is worn').waitFor()
      await row.getByRole('button', { name: 'Confirm' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Confirm' }).click()
      await row.getByRole('button', { name: 'Reset' }).click()
      await shot(page, 'reset-dialog')
      await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click()
      await page.getByRole('heading', { name: 'Over since this page was opened' }).waitFor()
      expect(server.plant.alarms.get('9-1')).toMatchObject({ confirmed: true, latched: false })
    })

    it('is taken out of service until a time, and returned', async () => {
      server.plant.raise('9-2', 'press-3.oil-pressure', { message: 'Pressure is low' })
      const { page } = await openPage('/alarms')
      const row = page.locator('tr', { hasText: 'Pressure is low' })
      await row.getByRole('button', { name: 'Out of service' }).click()
      const dialog = page.getByRole('dialog', { name: 'Take out of service' })
      await dialog.getByLabel('Until a time').check()
      await dialog.getByRole('button', { name: 'Take out of service' }).click()
      await dialog.getByText('Give a time in the future').waitFor()
      await dialog.getByLabel('It returns at').fill('2099-01-01T12:00:00')
      await shot(page, 'out-of-service-dialog')
      expect(await seriousFindings(page)).toEqual([])
      await dialog.getByLabel('1 day').check()
      await dialog.getByRole('button', { name: 'Take out of service' }).click()
      await row.getByText('out of service until').waitFor()
      expect(server.plant.alarms.get('9-2')!.outOfServiceUntil! - Date.now()).toBeGreaterThan(86_000_000)
      await row.getByRole('button', { name: 'Return to service' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Return to service' }).click()
      await row.getByText('out of service until').waitFor({ state: 'detached' })
    })

    it('is filtered by state and priority', async () => {
      const { page } = await openPage('/alarms')
      const table = page.getByRole('table', { name: 'Open alarms' })
      await table.getByText('Oil temperature 68.4').waitFor()
      await page.getByRole('group', { name: 'Priority' }).getByRole('button', { name: /^Low/ }).click()
      await table.getByText('Oil temperature 68.4').waitFor({ state: 'detached' })
      await table.getByText('Frame vibration 4.91').waitFor()
      await page.getByRole('group', { name: 'State' }).getByRole('button', { name: 'Active' }).click()
      await table.waitFor({ state: 'detached' })
    })
  })

  it('takes a check without an alarm out of service from its sensor, and returns it', async () => {
    const { page } = await openPage('/sensors/press-3.oil-temperature')
    await page.getByRole('button', { name: 'Take out of service: threshold' }).click()
    const dialog = page.getByRole('dialog', { name: 'Take out of service' })
    await dialog.getByLabel('Reason').fill('New probe')
    await dialog.getByRole('button', { name: 'Take out of service' }).click()
    await page.getByText(/Out of service until \d/).waitFor()
    await page.getByRole('button', { name: 'Return to service: threshold' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Return to service' }).click()
    await page.getByText('Watching').waitFor()
  })

  it('finds in the journal what somebody did at a machine, and keeps the filters in the address', async () => {
    const { page } = await openPage('/journal')
    await page.getByText('Oil pressure 216 bar').first().waitFor()
    await page.getByLabel('Machine').selectOption({ label: 'Press 3' })
    await page.getByLabel('What happened').selectOption({ label: 'Cleared' })
    const rows = page.getByRole('table', { name: 'Entries of the journal' }).locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(1)
    await page.reload()
    await page.getByText('Frame vibration 4.91').waitFor()
    await page.getByLabel('Who').fill('nobody')
    await page.getByText('Nothing like this happened').waitFor()
  })

  it('probes a device, and says why one does not answer', async () => {
    const { page } = await openPage('/devices/press-1')
    await page.getByRole('button', { name: 'Probe now' }).click()
    await page.getByText(/It answered after/).waitFor()
    await page.goto(`${server.url}/devices/chiller`)
    await page.getByRole('button', { name: 'Probe now' }).click()
    await page.getByText(/No answer after .*: No answer within 1 s/).waitFor()
    await shot(page, 'probe-failed')
  })

  it('restarts a device once it was confirmed', async () => {
    const { page } = await openPage('/devices/press-1')
    await page.getByRole('button', { name: 'Restart press-1' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('The device itself is not restarted').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await shot(page, 'restart')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'hidden' })
    expect(server.plant.restarted).toEqual([])
    await page.getByRole('button', { name: 'Restart press-1' }).click()
    await dialog.getByRole('button', { name: 'Restart', exact: true }).click()
    await dialog.waitFor({ state: 'hidden' })
    expect(server.plant.restarted).toEqual(['press-1'])
  })

  it('finds the value of the display among the registers, and gives it as YAML', async () => {
    const { page } = await openPage('/devices/press-1/registers')
    await page.getByLabel('First address').fill('98')
    await page.getByLabel('How many').fill('14')
    await page.getByRole('button', { name: 'Read', exact: true }).click()
    await page.getByText(/14 read at/).waitFor()
    await page.getByRole('button', { name: '102', exact: true }).click()
    await page.getByRole('button', { name: '71.25, float32 CDAB' }).waitFor()
    await page.getByLabel('Value on the display').fill('71.2')
    await page.getByRole('button', { name: '104: int16 ABCD × 0.1 = 71.2' }).click()
    await page.getByText('address: 104, type: int16, scale: { factor: 0.1 }').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await shot(page, 'registers-found')
    await page.getByLabel('First address').fill('190')
    await page.getByRole('button', { name: 'Read', exact: true }).click()
    await page.getByText('exception 2, illegal data address').waitFor()
  })

  it('sends dead letters again and discards one; the ledger still balances', async () => {
    const { page } = await openPage('/uplinks/historian')
    await page.getByText('Batch 4711 is done').waitFor()
    await page.getByRole('button', { name: 'Send all again' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click()
    await page.getByText('2 records arrived, 1 record refused again.').waitFor()
    await page.getByRole('button', { name: 'Discard: 3/1100002' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click()
    await page.getByText('None: everything was taken.').waitFor()
    await page.getByText('Dropped: discarded').waitFor()
    await page.getByText('balanced').waitFor()
  })
})
