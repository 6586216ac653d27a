// The dashboard while the gateway is away, before anyone has signed in, and with many sensors: never a value that looks live and is not.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { startCutLine } from './cut-line.ts'
import { HOT_SENSOR } from './fixture-model.ts'
import { startFixtureServer, type FixtureServer, type FixtureServerOptions } from './fixture-server.ts'

/** Runs in the page: milliseconds of the longest frame within five seconds. */
const LONGEST_FRAME = `new Promise((resolve) => {
  let longest = 0
  let before = performance.now()
  const end = before + 5000
  const frame = (now) => {
    longest = Math.max(longest, now - before)
    before = now
    if (now < end) requestAnimationFrame(frame)
    else resolve(longest)
  }
  requestAnimationFrame(frame)
})`

let dashboard: BuiltDashboard
let browser: Browser

async function startServer(options: FixtureServerOptions): Promise<FixtureServer> {
  const server = await startFixtureServer({ ...options, dashboardDir: dashboard.folder })
  onTestFinished(() => server.stop())
  return server
}

async function openPage(url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  await page.goto(url)
  return page
}

async function seriousFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id)
}

describe.skipIf(chromiumPath === null)('the dashboard in trouble (needs chromium)', () => {
  beforeAll(async () => {
    dashboard = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await dashboard?.remove()
  })

  it('says that it is not connected, marks every value stale, and comes back by itself', async () => {
    const first = await startServer({})
    const port = Number(new URL(first.url).port)
    const page = await openPage(first.url)
    await page.getByText('Live', { exact: true }).first().waitFor()
    await first.stop()
    await page.getByText('Not connected to the gateway.').waitFor()
    await page.getByRole('heading', { level: 1, name: 'Not connected: the state is unknown' }).waitFor()
    expect(await page.locator('.value-normal').count()).toBe(0)
    expect(await page.locator('.value-stale').count()).toBeGreaterThan(20)
    expect(await page.getByText('Live', { exact: true }).count()).toBe(0)
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'not-connected.png') })

    await startServer({ port })
    await page.getByText('Live', { exact: true }).first().waitFor()
    await expect.poll(() => page.locator('.value-normal').count()).toBeGreaterThan(20)
    expect(await page.getByText('Not connected to the gateway.').count()).toBe(0)
  })

  it('loses no alarm and no value of an outage that the gateway lived through', { timeout: 120_000 }, async () => {
    const server = await startServer({})
    const line = await startCutLine(server.url)
    onTestFinished(() => line.close())
    const page = await openPage(line.url)
    const sockets: string[] = []
    page.on('websocket', (socket) => sockets.push(new URL(socket.url()).search))
    await page.getByText('Live', { exact: true }).first().waitFor()
    const spark = page.locator('.sensor-row', { hasText: 'Motor power' }).first().locator('.spark-line')
    const pieces = async (): Promise<number> => ((await spark.getAttribute('d')) ?? '').split('M').length - 1
    await expect.poll(pieces, { timeout: 20_000 }).toBe(1)
    await page.getByRole('link', { name: /^Alarms/ }).click()
    server.plant.raise('3-40', 'press-1.oil-pressure', { message: 'Pressure was odd before' })
    await page.getByRole('cell', { name: /Pressure was odd before/ }).waitFor()

    line.cut()
    await page.getByText('Not connected to the gateway.').waitFor()
    const cutAt = Date.now()
    const over = { active: false, acknowledged: true, raisedAt: cutAt, clearedAt: cutAt + 1000 }
    server.plant.raise('3-41', 'press-1.oil-pressure', { message: 'Came and went meanwhile', ...over })
    server.plant.raise('3-42', 'press-3.oil-pressure', { message: 'Came meanwhile', severity: 'urgent' })
    server.plant.alarms.acknowledge('3-40', 'shift-lead', null)
    // Some readings go by that nobody hears.
    await expect.poll(() => server.plant.readingsSince(HOT_SENSOR, cutAt), { timeout: 20_000 }).toBeGreaterThan(5)
    line.mend()
    await page.getByText('Live', { exact: true }).first().waitFor({ timeout: 30_000 })
    expect(sockets.at(-1)).toMatch(/^\?since=\d+-\d+$/)
    await page.getByRole('cell', { name: /Came meanwhile/ }).waitFor()
    await page.getByRole('heading', { name: 'Over since this page was opened' }).waitFor()
    await page.getByRole('cell', { name: /Came and went meanwhile/ }).waitFor()
    const before = page.getByRole('row', { name: /Pressure was odd before/ })
    await expect.poll(() => before.getByRole('button', { name: /^Acknowledge/ }).count()).toBe(0)

    // The sparkline was drawn before and after: it has no gap where the outage was.
    await page.getByRole('link', { name: 'Overview' }).click()
    await expect.poll(pieces, { timeout: 20_000 }).toBe(1)
  })

  it('makes the first administrator from the set-up link, signs out and in again', async () => {
    const server = await startServer({ auth: 'required' })
    const visitor = await openPage(server.url)
    await visitor.getByRole('heading', { name: 'This gateway is new' }).waitFor()
    expect(await seriousFindings(visitor)).toEqual([])

    const page = await openPage(server.setupUrl!)
    await page.getByLabel('Name').fill('shift-lead')
    await page.getByLabel('Password', { exact: true }).fill('correct horse')
    await page.getByLabel('Password again').fill('correct hare')
    await page.getByRole('button', { name: 'Make administrator' }).click()
    await page.getByText('The two passwords differ.').waitFor()
    await page.screenshot({ path: join(RESULTS, 'setup.png') })
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('Password again').fill('correct horse')
    await page.getByRole('button', { name: 'Make administrator' }).click()
    await page.getByText('Live', { exact: true }).first().waitFor()
    expect(page.url()).not.toContain('token')

    await page.getByRole('button', { name: /sign out/ }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.screenshot({ path: join(RESULTS, 'login.png') })
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('Name').fill('shift-lead')
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Name or password is wrong').waitFor()
    await page.getByLabel('Password').fill('correct horse')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Live', { exact: true }).first().waitFor()
  })

  it('stays smooth with 515 sensors at one reading a second', async () => {
    const server = await startServer({ extraMachines: 60 })
    const page = await openPage(server.url)
    await page.getByText('Live', { exact: true }).first().waitFor()
    const longest = await page.evaluate<number>(LONGEST_FRAME)
    expect(longest).toBeLessThan(500)
  })

  it(
    'says that it is older than the gateway when they no longer understand each other',
    { timeout: 120_000 },
    async () => {
      const server = await startServer({})
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
      onTestFinished(() => context.close())
      context.setDefaultTimeout(60_000)
      // As after an update: whoever asks for the page now gets another one, and an answer has another shape.
      const present = await (await fetch(server.url, { headers: { accept: 'text/html' } })).text()
      const body = present.replace(/\/assets\/index-[^."]+\.js/, '/assets/index-newer.js')
      expect(body).not.toBe(present)
      await context.route(`${server.url}/`, (route) =>
        route.request().isNavigationRequest() ? route.continue() : route.fulfill({ contentType: 'text/html', body }),
      )
      await context.route('**/api/v1/uplinks', (route) => route.fulfill({ json: { items: [{ id: 7 }], next: null } }))
      const page = await context.newPage()
      await page.goto(server.url)
      await page.getByRole('heading', { name: 'This page is older than the gateway: reload it' }).waitFor()
      expect(await seriousFindings(page)).toEqual([])
      await page.screenshot({ path: join(RESULTS, 'outdated.png') })

      // The same while it runs: it goes on with what it has.
      await context.unroute('**/api/v1/uplinks')
      await page.getByText('Live', { exact: true }).first().waitFor()
      await page.getByRole('alert').getByText('This page is older than the gateway: reload it.').waitFor()
      expect(await seriousFindings(page)).toEqual([])
      await context.unrouteAll({ behavior: 'ignoreErrors' })
      const loaded = page.waitForEvent('load')
      await page.getByRole('button', { name: 'Reload this page' }).click()
      await loaded
      await page.getByText('Live', { exact: true }).first().waitFor()
      expect(await page.getByText('This page is older').count()).toBe(0)
    },
  )
})
