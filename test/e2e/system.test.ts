// Backup, support bundle and about in the browser, before a real gateway with authentication.

import { execFileSync } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { isSideways, LOOKS, openPage, seriousFindings } from './looks.ts'
import { startSetUpGateway, type SetUpGateway } from './set-up-gateway.ts'

const PASSWORD = 'correct horse battery'
let dashboard: BuiltDashboard
let browser: Browser
let gateway: SetUpGateway
/** Of the administrator. */
let storageState: Awaited<ReturnType<BrowserContext['storageState']>>

async function post(path: string, body: object, cookie = ''): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(cookie !== '' && { cookie }) }
  return fetch(`${gateway.url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

const open = (path: string, options = {}) =>
  openPage(browser, gateway.url + path, { viewport: { width: 1440, height: 900 }, storageState, ...options })

/** Presses the button; answers the file that comes. */
async function take(page: Page, button: string): Promise<{ name: string; path: string }> {
  const coming = page.waitForEvent('download', { timeout: 60_000 })
  await page.getByRole('button', { name: button }).click()
  const download = await coming
  return { name: download.suggestedFilename(), path: await download.path() }
}

describe.skipIf(chromiumPath === null)('the gateway itself in a browser (needs chromium)', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    dashboard = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
    gateway = await startSetUpGateway({ dashboardDir: dashboard.folder, auth: 'required' })
    const token = new URL(gateway.setupUrl!).hash.slice('#token='.length)
    expect((await post('/setup', { token, name: 'shift-lead', password: PASSWORD })).status).toBeLessThan(300)
    const context = await browser.newContext()
    await context.request.post(`${gateway.url}/api/v1/session`, { data: { name: 'shift-lead', password: PASSWORD } })
    storageState = await context.storageState()
    await context.close()
  })
  afterAll(async () => {
    await browser?.close()
    await gateway?.stop()
    await dashboard?.remove()
  })

  it('makes a backup that holds database, configuration and users', async () => {
    const { page, complaints } = await open('/backup')
    const { name, path } = await take(page, 'Make a backup')
    expect(name).toMatch(/^edge-01-backup-\d{4}-\d{2}-\d{2}\.tar$/)
    const names = execFileSync('tar', ['-tf', path], { encoding: 'utf8' })
    for (const part of ['manifest.json', 'auth.json', 'gateway.yaml', '.db']) expect(names).toContain(part)
    await page.getByText(name).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'backup-made.png') })
    expect(complaints).toEqual([])
  })

  it('makes a support bundle without the password hash of anybody', async () => {
    const { page } = await open('/backup')
    const { name, path } = await take(page, 'Make a support bundle')
    expect(name).toMatch(/^edge-01-support-bundle-.*\.tgz$/)
    const content = execFileSync('tar', ['-xzOf', path], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    expect(content).toContain('press-1')
    expect(content).not.toContain('argon2')
  })

  it('saves the shown range of a sensor as CSV, every reading with its quality, streamed by the gateway', async () => {
    const { page, complaints } = await open('/sensors/press-1.oil-temperature')
    await page.getByText('Drag across the chart to zoom').waitFor()
    await page.getByRole('button', { name: 'Export' }).click()
    const dialog = page.getByRole('dialog', { name: 'Export this range' })
    await dialog.getByText('Parquet').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'export-dialog.png') })
    const { name, path } = await take(page, 'Save file')
    expect(name).toMatch(/^press-1\.oil-temperature_.*\.csv$/)
    const lines = (await readFile(path, 'utf8')).trim().split(/\r?\n/)
    expect(lines[0]).toBe('time,sensor,value,quality,status,unit')
    expect(lines.at(-1)).toMatch(/^20.*Z,press-1\.oil-temperature,100,good,Good,degC$/)
    await page.getByRole('button', { name: 'Export' }).click()
    await dialog.getByLabel(/^One line for each/).check()
    await dialog.getByLabel('Parquet').check()
    const buckets = await take(page, 'Save file')
    expect((await readFile(buckets.path)).subarray(0, 4).toString()).toBe('PAR1')
    expect(complaints).toEqual([])
  })

  it('says why an archive cannot be made, and lets one be given up', async () => {
    const { page } = await open('/backup')
    await page.route('**/api/v1/backup', (route) =>
      route.fulfill({
        status: 507,
        contentType: 'application/problem+json',
        body: JSON.stringify({ status: 507, code: 'STORE_FULL', detail: 'The disk has no room for it' }),
      }),
    )
    await page.getByRole('button', { name: 'Make a backup' }).click()
    await page.getByRole('alert').getByText('The disk has no room for it').waitFor()
    await page.unroute('**/api/v1/backup')
    await page.route('**/api/v1/backup', () => undefined) // it never answers
    await page.getByRole('button', { name: 'Make a backup' }).click()
    await page.getByText('The gateway is making it').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await expect.poll(() => page.getByText('The gateway is making it').count()).toBe(0)
    expect(await page.getByText('The disk has no room for it').count()).toBe(0)
  })

  it('tells everybody about version, machine and licences; only administrators get archives', async () => {
    const admin = await browser.newContext({ storageState })
    onTestFinished(() => admin.close())
    const made = await admin.request.post(`${gateway.url}/api/v1/users`, {
      data: { name: 'visitor', password: PASSWORD, role: 'viewer' },
    })
    expect(made.status()).toBeLessThan(300)
    const visitor = await browser.newContext()
    onTestFinished(() => visitor.close())
    await visitor.request.post(`${gateway.url}/api/v1/session`, { data: { name: 'visitor', password: PASSWORD } })
    const { page, complaints } = await open('/about', { storageState: await visitor.storageState() })
    await page.getByText('TelemetryX Edge 0.').first().waitFor()
    await page.getByText(`Node.js ${process.versions.node}`).waitFor()
    await page.getByText('Trusted').waitFor()
    await page.getByText(/GB of .* free|MB of .* free|TB free/).waitFor()
    const table = page.getByRole('table', { name: 'Packages and their licences' })
    await table.getByRole('row').first().waitFor()
    expect(await table.locator('tbody tr').count()).toBe(20)
    await page.getByLabel('Package or licence').fill('better-sqlite3')
    await table.getByRole('row', { name: /^better-sqlite3 \d.* MIT/ }).waitFor()
    expect(await table.locator('tbody tr').count()).toBe(1)
    expect(await page.getByRole('link', { name: 'Backup and support' }).count()).toBe(0)
    await page.goto(`${gateway.url}/backup`)
    await page.getByText('Backups are for administrators').waitFor()
    expect(await page.getByRole('button', { name: 'Make a backup' }).count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it.each(LOOKS)('looks right as $look', async ({ look, isFull, options }) => {
    for (const [name, heading] of [
      ['backup', 'Backup and support'],
      ['about', 'About'],
    ] as const) {
      if (!isFull && name !== 'about') continue
      const { page, complaints } = await open(`/${name}`, options)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      await page
        .getByRole('heading', { level: 2, name: name === 'about' ? 'Machine' : 'Support bundle', exact: true })
        .waitFor()
      expect(await seriousFindings(page)).toEqual([])
      expect(await isSideways(page), `${name} scrolls sideways`).toBe(false)
      await page.screenshot({ path: join(RESULTS, `${name}-${look}.png`) })
      expect(complaints).toEqual([])
    }
  })
})
