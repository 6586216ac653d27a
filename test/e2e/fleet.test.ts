// Central's pages in a browser before a real central: from the set-up link to a configuration that a gateway has rolled back.

import { mkdir } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { ComingGateway, startFleetCentral, type FleetCentral } from './fleet-central.ts'
import { isSideways, LOOKS, openPage, seriousFindings } from './looks.ts'

const PASSWORD = 'correct horse battery'
const DESK = { viewport: { width: 1440, height: 900 } }
const MAX_GZIPPED_BYTES = 75_000
let built: BuiltDashboard
let browser: Browser
let fleet: FleetCentral

const url = (path = ''): string => fleet.central.url + path

async function setUp(page: Page): Promise<void> {
  await page.getByLabel('Tenant').fill('Plant group')
  await page.getByText('Its id: plant-group').waitFor()
  await page.getByLabel('Name', { exact: true }).fill('shift-lead')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('Password again').fill('something else')
  await page.getByRole('button', { name: 'Make administrator' }).click()
  await page.getByText('The two passwords differ.').waitFor()
  await page.getByLabel('Password again').fill(PASSWORD)
}

async function signIn(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill('shift-lead')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Answers the key that the page shows once. */
async function makeKey(page: Page, gateway: string): Promise<string> {
  await page.getByRole('button', { name: 'Make a key' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Id of the gateway').fill(gateway)
  await dialog.getByRole('button', { name: 'Make it' }).click()
  const key = (await dialog.getByLabel('Key', { exact: true }).textContent())!.trim()
  expect(await seriousFindings(page)).toEqual([])
  await page.screenshot({ path: join(RESULTS, `fleet-key-${gateway}.png`) })
  await dialog.getByRole('button', { name: 'Done' }).click()
  return key
}

async function offer(page: Page, text: string, comment: string): Promise<void> {
  await page.getByLabel('The whole gateway.yaml').fill(text)
  await page.getByLabel('Why (kept with it)').fill(comment)
  await page.getByRole('button', { name: /^Offer it to edge-01/ }).click()
}

/** One after the other: each begins where the former ended. */
describe.skipIf(chromiumPath === null)('the pages of central (needs chromium)', { timeout: 180_000 }, () => {
  let edge: ComingGateway
  beforeAll(async () => {
    built = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
    fleet = await startFleetCentral(built.folder)
  }, 180_000)
  afterAll(async () => {
    await browser?.close()
    await fleet?.stop()
    await built?.remove()
  })

  it('begin with less than 75 kB gzipped, fonts included, under the same policy as the dashboard', async () => {
    const page = await fetch(url('/setup'), { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const html = await page.text()
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=/)
    const assets = new Set([...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!))
    for (const path of assets)
      if (path.endsWith('.css'))
        for (const [, font] of readFileSync(built.folder + path, 'utf8').matchAll(/url\(([^)]+\.woff2)\)/g))
          assets.add(`/assets/${font!.replace(/^.*\//, '')}`)
    const sizes = [...assets].map((path) => gzipSync(readFileSync(built.folder + path), { level: 9 }).length)
    expect(sizes.length).toBeGreaterThan(3)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_GZIPPED_BYTES)
    expect((await fetch(url('/index.html'))).status).toBe(404)
    expect((await fetch(url('/assets/none.js'), { headers: { accept: '*/*' } })).status).toBe(404)
  })

  it('make the first administrator from the printed link, once, and sign in and out', async () => {
    const link = fleet.central.setupUrl!
    const { complaints, page } = await openPage(browser, link, DESK)
    await setUp(page)
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'fleet-setup.png') })
    await page.getByRole('button', { name: 'Make administrator' }).click()
    await page.getByRole('heading', { name: 'No gateway has come here yet' }).waitFor()
    expect(page.url()).toBe(url('/'))
    expect(await page.getByLabel('Uplink').textContent()).toContain(`url: "${url()}"`)
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'fleet-empty.png') })
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    expect(complaints).toEqual([])
    await signIn(page, 'not the password')
    await page
      .getByRole('alert')
      .getByText(/name|password/i)
      .waitFor()
    await signIn(page)
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    const again = await openPage(browser, link, DESK)
    await again.page.getByRole('heading', { name: 'Already set up' }).waitFor()
  })

  it('show a gateway that comes with its key, and what becomes of what is offered to it', async () => {
    const { complaints, page } = await openPage(browser, url(), DESK)
    await signIn(page)
    await page.getByRole('link', { name: 'Keys', exact: true }).click()
    edge = new ComingGateway(url(), 'edge-01', await makeKey(page, 'edge-01'))
    await page.getByRole('row', { name: /^edge-01 .*ingest for edge-01 only Valid/ }).waitFor()
    await page.getByRole('link', { name: 'Fleet' }).click()
    await edge.register()
    await page.getByRole('row', { name: /^edge-01 Plant A Online .* 0\.1\.0 In step None None offered/ }).waitFor()
    await page.getByRole('status').getByText('1 gateway with 1 sensor · 1 online · version 0.1.0').waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.getByRole('link', { name: 'edge-01' }).click()
    await page.getByText('Nothing was offered yet').waitFor()
    await offer(page, 'version: 1\ndevices: [ { id: nothing } ]\n', 'A second press')
    await page.getByText('r1 is offered.').waitFor()
    await page.getByText('Offered', { exact: true }).first().waitFor()
    const { revision, text } = (await edge.offered())!
    expect(text).toContain('nothing')
    const problems = [{ file: 'gateway.yaml', line: 2, column: 12, message: 'driver is missing' }]
    await edge.report(revision, { state: 'failed', reason: 'The configuration has 1 problem', problems })
    await page.getByText('gateway.yaml:2:12 driver is missing').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'fleet-failed.png'), fullPage: true })

    await page.getByRole('button', { name: 'Begin with the text of r1' }).click()
    await expect.poll(() => page.getByLabel('The whole gateway.yaml').inputValue()).toContain('nothing')
    await offer(page, 'version: 1\n# a second press\n', 'Mended')
    await page.getByRole('heading', { name: 'Configuration r2' }).waitFor()
    const plan = { summary: '1 device starts.', lines: ['+ device press-2 (starts)'] }
    await edge.report('r2', { state: 'watched', number: 2, plan })
    await page.getByText('Applied, watched').waitFor()
    await edge.report('r2', { state: 'rolledBack', number: 2, reason: 'press-1 is down since', plan })
    await page.getByText('press-1 is down since').waitFor()
    await page.getByRole('button', { name: 'Show plan and text of r2' }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByLabel('Plan').textContent()).toBe('+ device press-2 (starts)')
    expect(await dialog.getByLabel('Text of the configuration').textContent()).toContain('# a second press')
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'fleet-plan.png') })
    await dialog.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('row', { name: /^r1 Not applied.*by shift-lead A second press/ }).waitFor()
    expect(complaints).toEqual([])
  })

  it('tell what a configuration would change before it is offered, and offer just that', async () => {
    const { complaints, page } = await openPage(browser, url('/'), DESK)
    await signIn(page)
    await page.getByRole('link', { name: 'edge-01' }).click()
    const area = page.getByLabel('The whole gateway.yaml')
    const show = page.getByRole('button', { name: 'Show what would change' })
    await area.fill('version: 1\ndevices: [ { id: nothing } ]\n')
    await show.click()
    await page.getByText('edge-01 says what would change when it next asks').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    const problems = [{ file: '/etc/telemetryx/gateway.yaml', line: 2, column: 12, message: 'driver is missing' }]
    await edge.answer((await edge.asked())!, { reason: 'line 2: driver is missing', problems })
    await page.getByRole('heading', { name: 'It would be refused' }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'fleet-plan-refused.png'), fullPage: true })
    await page.getByRole('button', { name: 'gateway.yaml:2:12 driver is missing' }).click()
    expect(await page.getByRole('button', { name: /^(Offer|Apply)/ }).count()).toBe(0)
    expect(await page.evaluate('document.activeElement.selectionStart')).toBe(22)

    await area.fill('version: 1\ndevices: []\n')
    await page.getByLabel('Why (kept with it)').press('Enter') // which offers nothing unseen
    await page.getByRole('button', { name: 'Waiting for edge-01…' }).waitFor()
    const plan = { summary: '1 device stops; 0 devices and 1 uplink undisturbed', lines: ['- device press-2 (stops)'] }
    await edge.answer((await edge.asked())!, plan)
    await page.getByText('1 device stops; 0 devices and 1 uplink undisturbed.').waitFor()
    expect(await page.getByLabel('Plan', { exact: true }).textContent()).toBe('- device press-2 (stops)')
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'fleet-plan-told.png'), fullPage: true })
    await page.getByLabel('Why (kept with it)').fill('Press 2 is gone')
    await page.getByRole('button', { name: 'Apply to edge-01' }).click()
    await page.getByRole('heading', { name: 'Configuration r3' }).waitFor()
    expect(await edge.offered()).toMatchObject({ revision: 'r3', base: '"abc"' })
    await edge.report('r3', { state: 'rolledBack', number: 3, reason: 'press-1 is down since' })
    expect(complaints).toEqual([])
  })

  it('say of a gateway that cannot plan why, and that offering is still possible', async () => {
    const { page } = await openPage(browser, url('/keys'), DESK)
    await signIn(page)
    const other = new ComingGateway(url(), 'edge-03', await makeKey(page, 'edge-03'))
    await other.register()
    await page.goto(url('/gateways/edge-03'))
    await page.getByText('edge-03 takes no configurations from here').waitFor()
    expect(await page.getByRole('button', { name: 'Show what would change' }).count()).toBe(0)
    await page.getByLabel('The whole gateway.yaml').fill('version: 1\n')
    await page.getByRole('button', { name: 'Offer it to edge-03', exact: true }).click()
    await page.getByText('r1 is offered.').waitFor()
  })

  it('revoke a key, which the gateway feels at once', async () => {
    const { page } = await openPage(browser, url('/keys'), DESK)
    await signIn(page)
    const other = new ComingGateway(url(), 'edge-02', await makeKey(page, 'edge-02'))
    expect(await other.offered()).toBeNull()
    await page.getByRole('button', { name: 'Revoke edge-02' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('row', { name: /^edge-02 .* Revoked/ }).waitFor()
    await expect(other.offered()).rejects.toThrow('401')
  })

  it('can be used with the keyboard, and say when central is away', async () => {
    const { context, page } = await openPage(browser, url(), DESK)
    await page.getByLabel('Name', { exact: true }).focus()
    await page.keyboard.type('shift-lead')
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'edge-01' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'edge-01' }).waitFor()
    await expect.poll(() => page.evaluate<string>('document.activeElement.tagName'), { timeout: 10_000 }).toBe('H1')
    await context.setOffline(true)
    await page.getByRole('alert').getByText('Central does not answer.').waitFor()
    await page.getByRole('table').getByText('Rolled back').waitFor()
    await context.setOffline(false)
    await expect.poll(() => page.getByText('Central does not answer.').count(), { timeout: 30_000 }).toBe(0)
  })

  it('look right in every size and colour', async () => {
    const { context, page: first } = await openPage(browser, url(), DESK)
    await signIn(first)
    await first.getByRole('link', { name: 'edge-01' }).waitFor()
    const storageState = await context.storageState()
    for (const { look, isFull, options } of LOOKS)
      for (const [name, path, content] of [
        ['fleet', '/', 'Rolled back'],
        ['fleet-gateway', '/gateways/edge-01', 'Earlier offers'],
        ['fleet-keys', '/keys', 'Revoked'],
      ] as const)
        if (isFull || name !== 'fleet-keys')
          await takeLook(url(path), { ...options, storageState }, { file: `${name}-${look}.png`, content })
  })
})

async function takeLook(
  address: string,
  options: BrowserContextOptions,
  { content, file }: { readonly content: string; readonly file: string },
): Promise<void> {
  const { complaints, context, page } = await openPage(browser, address, options)
  await page.getByText(content).first().waitFor()
  expect(await seriousFindings(page)).toEqual([])
  expect(await isSideways(page), `${file} scrolls sideways`).toBe(false)
  await page.screenshot({ path: join(RESULTS, file), fullPage: true })
  expect(complaints).toEqual([])
  await context.close()
}
