// Passwords in the browser, before a real gateway: typed into a form they go into the store, and nothing shows them again.

import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { openPage, seriousFindings } from './looks.ts'
import { startSetUpGateway } from './set-up-gateway.ts'

let dashboard: BuiltDashboard
let browser: Browser

describe.skipIf(chromiumPath === null)('secrets in a browser (needs chromium)', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    dashboard = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await dashboard?.remove()
  })

  it('stores what is typed for a new device, and replaces and deletes it without ever showing it', async () => {
    const gateway = await startSetUpGateway({ dashboardDir: dashboard.folder, isNew: true })
    onTestFinished(() => gateway.stop())
    const stored = (name: string): Promise<string> =>
      readFile(join(dirname(gateway.file), 'data/secrets', name), 'utf8').catch(() => 'none')
    const { page, complaints } = await openPage(browser, `${gateway.url}/configuration/add?kind=mqtt`, {
      viewport: { width: 1440, height: 900 },
    })
    await page.getByRole('textbox', { name: 'Broker' }).fill('mqtt://127.0.0.1:1')
    await page.getByLabel('User (if it asks for one)').fill('edge')
    await page.getByLabel('Password').fill('hunter2 is weak')
    await page.getByLabel('Topics, one sensor for each').fill('hall/press-1/temperature')
    await page.getByRole('button', { name: 'Take these' }).click()
    await page.getByText('The password goes into the gateway’s store of secrets').waitFor()
    await page.getByRole('button', { name: 'Check, and show what would change' }).click()
    await page.getByRole('button', { name: 'Write it and start the device' }).click()
    await page.getByRole('heading', { name: '5. Live: mqtt' }).waitFor()
    expect(await readFile(gateway.file, 'utf8')).toContain('password: "${secret:mqtt-password}"')
    expect(await stored('mqtt-password')).toBe('hunter2 is weak')

    await page.goto(`${gateway.url}/configuration`)
    const row = page.getByRole('row', { name: /^mqtt-password devices\.mqtt\.connection\.password/ })
    await row.waitFor()
    expect(await row.getByRole('button', { name: 'Delete mqtt-password' }).isDisabled()).toBe(true)
    expect(await page.locator('main').textContent()).not.toContain('hunter2')
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'configuration-secrets.png'), fullPage: true })

    await row.getByRole('button', { name: 'Replace mqtt-password' }).click()
    await page.getByLabel('Secret', { exact: true }).fill('hunter3 is no better')
    await page.getByRole('button', { name: 'Replace it' }).click()
    await page.getByText('mqtt-password is replaced.').waitFor()
    expect(await stored('mqtt-password')).toBe('hunter3 is no better')
    await page.getByRole('button', { name: 'Take it up now' }).click()
    await page.getByText('mqtt-password is replaced.').waitFor({ state: 'hidden' })

    await page.getByRole('button', { name: 'Store a secret' }).click()
    await page.getByLabel('Name', { exact: true }).fill('unused')
    await page.getByLabel('Secret', { exact: true }).fill('hunter4')
    await page.getByRole('button', { name: 'Store it' }).click()
    await page.getByRole('button', { name: 'Delete unused' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await expect.poll(() => stored('unused'), EVENTUALLY).toBe('none')
    expect(await page.locator('main').textContent()).not.toContain('hunter')
    expect(complaints).toEqual([])
  })
})
