// Machines, sensors, alarms and the journal of a central in a browser, before what a gateway has handed in.

import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { CentralCaller, PASSWORD } from './central-plant.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { startFleetCentral, type FleetCentral } from './fleet-central.ts'
import { isSideways, LOOKS, openPage, seriousFindings, type OpenedPage } from './looks.ts'

const DESK = { viewport: { width: 1440, height: 900 } }
let built: BuiltDashboard
let browser: Browser
let fleet: FleetCentral
let admin: CentralCaller

const url = (path = ''): string => fleet.central.url + path

async function open(path: string, name = 'shift-lead'): Promise<OpenedPage> {
  const opened = await openPage(browser, url(path), DESK)
  const { page } = opened
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  return opened
}

async function changeLabels(page: Page, tags: string, metadata: string): Promise<void> {
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Tags').fill(tags)
  await dialog.getByLabel('Metadata').fill(metadata)
  await dialog.getByRole('button', { name: 'Save' }).click()
}

/** One after the other: each begins where the former ended. */
describe.skipIf(chromiumPath === null)('the plant at central (needs chromium)', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    built = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
    fleet = await startFleetCentral(built.folder)
    admin = await CentralCaller.first(url(), fleet.central.setupUrl!)
    await admin.addPerson('night-shift', 'viewer')
  }, 240_000)
  afterAll(async () => {
    await browser?.close()
    await fleet?.stop()
    await built?.remove()
  })

  it('says what to do while there is none', async () => {
    const { complaints, page } = await open('/machines')
    await page.getByText('No machine yet').waitFor()
    await page.getByRole('link', { name: 'Alarms' }).click()
    await page.getByText('No open alarms').waitFor()
    await page.getByRole('link', { name: 'Journal' }).click()
    await page.getByText('Nothing like this happened').waitFor()
    await page.getByRole('link', { name: 'Alerts' }).click()
    await page.getByText('No rule has said anything in this time').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('leads from machines to a sensor with its value, trend, statistics and alarms, with the keyboard', async () => {
    await admin.handIn('edge-01', Date.now())
    const { complaints, page } = await open('/machines')
    await page.getByRole('row', { name: /^Furnace furnace plant-a 1/ }).waitFor()
    await page.getByRole('link', { name: 'Press 1' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Press 1' }).waitFor()
    await page
      .getByRole('row', { name: /^Oil temperature press-1\.oil-temperature .*°C Urgent alarm edge-01/ })
      .waitFor()
    await page.getByRole('row', { name: /^Urgent Oil temperature Low-low limit, at edge-01/ }).waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.getByRole('link', { name: 'Oil temperature' }).last().focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Oil temperature' }).waitFor()
    await page.getByRole('button', { name: '8 hours' }).click()
    await page.getByRole('img', { name: /^Trend\. From .* highest 78/ }).waitFor()
    expect(new URL(page.url()).search).toBe('?span=8h')
    const statistics = page.locator('section', { hasText: 'Statistics of this range' })
    await statistics.getByText('78.0', { exact: false }).waitFor()
    await page.getByRole('row', { name: /^Medium Oil temperature is 76\.2 °C.* 10 min$/ }).waitFor()
    await page.getByRole('link', { name: 'edge-01' }).first().waitFor()
    expect(await seriousFindings(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('saves what a sensor was as a file', async () => {
    const { complaints, page } = await open('/sensors/press-1.oil-temperature?span=8h')
    await page.getByRole('button', { name: 'Export' }).click()
    const dialog = page.getByRole('dialog', { name: 'Export this range' })
    await dialog.getByLabel('CSV').waitFor()
    expect(await dialog.getByLabel('Parquet').count()).toBe(0)
    expect(await seriousFindings(page)).toEqual([])
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: 'Save file' }).click(),
    ])
    const lines = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split('\r\n')
    expect(lines).toHaveLength(61)
    expect(lines[1]).toMatch(/^\d.*Z,press-1\.oil-temperature,60,good,Good,degC$/)
    expect(complaints).toEqual([])
  })

  it('has what the rules of the brain said, with where it is', async () => {
    const { complaints, page } = await open('/alarms')
    await page.getByRole('link', { name: 'Alerts' }).click()
    const row = page.getByRole('row', {
      name: /Medium Oil of Press 1 is hot .* Hot oil press-1\.oil-temperature at edge-01/,
    })
    await row.waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('Time').selectOption('1h')
    expect(new URL(page.url()).search).toBe('?span=1h')
    await row.getByRole('link', { name: 'press-1.oil-temperature' }).click()
    await page.getByRole('heading', { level: 1, name: 'Oil temperature' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('keeps tags and metadata beside a sensor, by which it is found; a change of somebody else is not lost', async () => {
    const { page } = await open('/sensors/press-1.oil-temperature')
    const change = page.getByRole('button', { name: 'Change Oil temperature' })
    await change.click()
    await changeLabels(page, 'hydraulics, oil', '{ building: B2 }')
    await page.getByRole('dialog').getByRole('alert').getByText('double quotes').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'central-labels.png') })
    await changeLabels(page, 'hydraulics, oil', '{ "building": "B2" }')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('hydraulics', { exact: true }).waitFor()
    await page.getByText('B2', { exact: true }).waitFor()

    await change.click()
    await admin.ask('PATCH', '/sensors/press-1.oil-temperature', { description: 'Oil temperature, tank' })
    await changeLabels(page, 'oil', '{}')
    await page.getByRole('dialog').getByRole('alert').getByText('changed by someone else').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { level: 1, name: 'Oil temperature, tank' }).waitFor()

    await page.getByRole('link', { name: 'Machines' }).first().click()
    await page.getByLabel('With the tag').fill('hydraulics')
    await page.getByRole('row', { name: /^Oil temperature, tank .* press-1 edge-01 °C hydraulics/ }).waitFor()
    await page.getByLabel('Find sensors').fill('no such words')
    await page.getByText('No sensor is like this').waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })

  it('shows viewers the same, without a way to change it', async () => {
    const { page } = await open('/sensors/furnace.heating', 'night-shift')
    await page.getByText('None yet. An engineer can add some.').waitFor()
    await page.getByText('Share of readings that were on').waitFor()
    expect(await page.getByRole('button', { name: /^Change / }).count()).toBe(0)
  })

  it('has the open alarms of all gateways, what happened before, and events', async () => {
    const { complaints, page } = await open('/alarms')
    await page
      .getByRole('row', { name: /^Urgent press-1 · press-1\.oil-temperature Low-low limit, at edge-01/ })
      .waitFor()
    await page.getByText('1 active alarm, 1 not acknowledged').waitFor()
    await page.getByRole('button', { name: 'Over, but not done with' }).click()
    await page.getByText('None of the 1 open alarm is like this.').waitFor()
    await page.getByRole('link', { name: 'Journal' }).click()
    await page.getByRole('row', { name: /Medium Cleared press-1\.oil-temperature at edge-01/ }).waitFor()
    await page.getByRole('status').getByText('3 entries').waitFor()
    await page.getByRole('button', { name: 'Events' }).click()
    await page
      .getByRole('row', { name: /Warning gateway at edge-01 The clock was set 3 s ahead clock-stepped/ })
      .waitFor()
    await page.getByLabel('Gateway').selectOption('edge-01')
    await page.getByRole('row', { name: /clock-stepped/ }).waitFor()
    expect(new URL(page.url()).search).toBe('?kind=event&gateway=edge-01')
    expect(await seriousFindings(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('looks right on a desk and on a phone, light and dark', async () => {
    const { context, page: first } = await open('/')
    await first.getByRole('heading', { name: 'Fleet' }).waitFor()
    const storageState = await context.storageState()
    for (const { look, options } of LOOKS.filter(({ isFull }) => isFull))
      for (const [name, path, content] of [
        ['machines', '/machines', 'Furnace'],
        ['machine', '/machines/press-1', 'Urgent alarm'],
        ['sensor', '/sensors/press-1.oil-temperature?span=1h', 'Standard deviation'],
        ['alarms', '/alarms', 'Low-low limit'],
        ['alerts', '/alerts', 'Hot oil'],
        ['journal', '/journal', 'Cleared'],
      ] as const) {
        const { complaints, context: other, page } = await openPage(browser, url(path), { ...options, storageState })
        await page.getByText(content).first().waitFor()
        expect(await seriousFindings(page)).toEqual([])
        expect(await isSideways(page), `${name} scrolls sideways as ${look}`).toBe(false)
        await page.screenshot({ path: join(RESULTS, `central-${name}-${look}.png`), fullPage: true })
        expect(complaints).toEqual([])
        await other.close()
      }
  })
})
