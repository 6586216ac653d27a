// A gateway that is new, in the browser: from the set-up link to live values of a Modbus device that nobody has told it of.

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { isSideways, LOOKS, openPage, seriousFindings } from './looks.ts'
import { startSetUpGateway, type SetUpGateway, type SetUpGatewayOptions } from './set-up-gateway.ts'

const PASSWORD = 'correct horse battery'
const FIVE_MINUTES_MS = 300_000
const desk = { viewport: { width: 1440, height: 900 } } as const
let dashboard: BuiltDashboard
let browser: Browser

async function start(options: Partial<SetUpGatewayOptions> = {}): Promise<SetUpGateway> {
  const gateway = await startSetUpGateway({ dashboardDir: dashboard.folder, isNew: true, ...options })
  onTestFinished(() => gateway.stop())
  return gateway
}

/** Looks for the simulated device and takes it. */
async function find(page: Page, port: number): Promise<void> {
  await page.getByText('Modbus TCP').click()
  await page.getByLabel('Host or IP address').fill('127.0.0.1')
  await page.getByLabel('Port').fill(String(port))
  await page.getByRole('button', { name: 'Look', exact: true }).click()
  await page.getByText('1 device found.').waitFor()
  await page.getByText('Example · Press control · 1.4').waitFor()
  await page.getByRole('button', { name: /^Take this one/ }).click()
  await page.getByRole('heading', { name: '3. What does it measure?' }).waitFor()
}

/** Two registers and the float of two others, with names of their own. */
async function name(page: Page): Promise<void> {
  await page.getByLabel('Id of the device').fill('press-1')
  await page.getByLabel('Machine (empty: its id)').fill('Press 1')
  await page.getByRole('button', { name: 'Choose none' }).click()
  for (const [place, sensor, unit] of [
    ['holding 0', 'oil-temperature', 'degC'],
    ['holding 1', 'oil-pressure', 'bar'],
    ['holding 30', 'power', 'kW'],
  ] as const) {
    await page.getByRole('checkbox', { name: place, exact: true }).check()
    await page.getByLabel(`Name of ${place}`, { exact: true }).fill(sensor)
    await page.getByLabel(`Unit of ${place}`, { exact: true }).fill(unit)
  }
  await page.getByLabel('Read holding 30 as').selectOption({ label: 'float32 CDAB: 71.25' })
  await page.getByText('3 sensors chosen').waitFor()
}

describe.skipIf(chromiumPath === null)('the first run in a browser (needs chromium)', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    dashboard = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await dashboard?.remove()
  })

  it('leads from the set-up link to live values of a found device', async () => {
    const gateway = await start({ auth: 'required' })
    const begun = Date.now()
    const { page, complaints } = await openPage(browser, gateway.setupUrl!, desk)
    await page.getByLabel('Name').fill('shift-lead')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByLabel('Password again').fill(PASSWORD)
    await page.getByRole('button', { name: 'Make administrator' }).click()
    await page.getByRole('heading', { level: 1, name: 'Nothing is measured yet' }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'first-run-empty.png') })
    await page.getByRole('link', { name: 'Add the first device' }).click()

    await find(page, gateway.modbusPort)
    await name(page)
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'first-run-sensors.png'), fullPage: true })
    const yaml = page.getByLabel('The device as YAML')
    expect(await yaml.textContent()).toContain('address: 30, type: float32, order: CDAB, unit: kW')
    const before = await readFile(gateway.file, 'utf8')
    await page.getByRole('button', { name: 'Check, and show what would change' }).click()
    await page.getByRole('row', { name: /press-1\.power/ }).waitFor()
    expect(await readFile(gateway.file, 'utf8')).toBe(before)
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'first-run-plan.png'), fullPage: true })

    await page.getByRole('button', { name: 'Write it and start the device' }).click()
    await page.getByRole('heading', { name: '5. Live: press-1' }).waitFor()
    const row = page.getByRole('row', { name: /press-1\.power/ })
    await expect.poll(() => row.locator('.value').textContent(), { timeout: 30_000 }).toBe('71.25kW')
    await page.getByRole('row', { name: /oil-temperature.*100.*°C Normal/ }).waitFor()
    expect(Date.now() - begun).toBeLessThan(FIVE_MINUTES_MS)
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'first-run-live.png'), fullPage: true })
    await page.getByText('Revision 2 stays.').waitFor()
    const after = await readFile(gateway.file, 'utf8')
    expect(after.startsWith(before)).toBe(true)
    expect(after).toContain('- id: press-1')

    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('heading', { level: 1, name: 'Press 1 is normal' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('says what is wrong with what was typed before anything is asked, and why nothing was found', async () => {
    const gateway = await start()
    const { page } = await openPage(browser, `${gateway.url}/configuration/add?kind=modbus-tcp`, desk)
    await page.getByLabel('Host or IP address').fill('127.0.0.1')
    await page.getByLabel('Port').fill('70000')
    await page.getByRole('button', { name: 'Look', exact: true }).click()
    await page.getByText('A port is a whole number from 1 to 65535.').waitFor()
    await page.getByLabel('Port').fill('1')
    await page.getByRole('button', { name: 'Look', exact: true }).click()
    await page
      .getByRole('alert')
      .getByText(/127\.0\.0\.1:1/)
      .waitFor()
    await page.screenshot({ path: join(RESULTS, 'first-run-refused.png') })
    expect(await seriousFindings(page)).toEqual([])

    await find(page, gateway.modbusPort)
    await page.getByLabel('Id of the device').fill('Press 1')
    await page.getByText('may have small letters').waitFor()
    expect(await page.getByRole('button', { name: 'Check, and show what would change' }).isDisabled()).toBe(true)
  })

  it('adds a second device from the configuration, beside those that are there', async () => {
    const gateway = await start({ isNew: false })
    const { page } = await openPage(browser, `${gateway.url}/configuration`, desk)
    await page.getByText('No mistakes found.').waitFor()
    await page.getByRole('link', { name: 'Add a device' }).click()
    await find(page, gateway.modbusPort)
    await name(page)
    await page.getByText('There is a device press-1 already.').waitFor()
    await page.getByLabel('Id of the device').fill('press-3')
    await page.getByLabel('Machine (empty: its id)').fill('Press 3')
    await page.getByRole('button', { name: 'Check, and show what would change' }).click()
    await page.getByText('2 devices and 0 uplinks go on undisturbed.').waitFor()
  })

  it('offers MQTT topics and examples without a scan; a password is written, not shown', async () => {
    const gateway = await start()
    const { page, complaints } = await openPage(browser, `${gateway.url}/configuration/add`, desk)
    await page.getByText('MQTT', { exact: true }).click()
    await page.getByRole('textbox', { name: 'Broker' }).fill('mqtt://127.0.0.1:1883')
    await page.getByLabel('User (if it asks for one)').fill('edge')
    await page.getByLabel('Password').fill('hunter2 is weak')
    await page.getByLabel('Topics, one sensor for each').fill('hall/press-1/temperature hall/press-1/pressure')
    await page.getByRole('button', { name: 'Take these' }).click()
    const yaml = page.getByLabel('The device as YAML')
    await yaml.getByText('topic: hall/press-1/pressure').waitFor()
    expect(await yaml.textContent()).not.toContain('hunter2')
    await page.getByRole('button', { name: 'Check, and show what would change' }).click()
    await page.getByRole('row', { name: /mqtt\.temperature/ }).waitFor()
    expect(await page.locator('main').textContent()).not.toContain('hunter2')
    expect(await seriousFindings(page)).toEqual([])

    await page.getByText('From an example', { exact: true }).click()
    await page.getByLabel('Example', { exact: true }).selectOption({ label: 'OPC UA' })
    await page.screenshot({ path: join(RESULTS, 'first-run-example.png'), fullPage: true })
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Put it into the draft' }).click()
    await page.getByRole('heading', { name: 'Draft, not applied' }).waitFor()
    await page.getByText('No mistakes found.').waitFor()
    expect(complaints).toEqual([])
  })

  it('looks right in every size and colour', async () => {
    const gateway = await start()
    for (const { look, isFull, options } of LOOKS) {
      const { page, complaints, context } = await openPage(browser, `${gateway.url}/configuration/add`, options)
      if (isFull) await find(page, gateway.modbusPort)
      else await page.getByText('Modbus TCP').click()
      await page.getByRole('button', { name: 'Look', exact: true }).waitFor()
      expect(await seriousFindings(page)).toEqual([])
      expect(await isSideways(page), `it scrolls sideways as ${look}`).toBe(false)
      await page.screenshot({ path: join(RESULTS, `add-device-${look}.png`), fullPage: true })
      expect(complaints).toEqual([])
      await context.close()
    }
  })
})
