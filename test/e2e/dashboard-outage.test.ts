// The dashboard while the gateway is away, before anyone has signed in, and with many sensors: never a value that looks live and is not.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
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
})
