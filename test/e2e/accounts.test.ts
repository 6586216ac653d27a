// Users, tokens, the own account and the audit log in the browser, before a real gateway with authentication.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { isSideways, LOOKS, openPage, seriousFindings } from './looks.ts'
import { startSetUpGateway } from './set-up-gateway.ts'

const PASSWORD = 'correct horse battery'
let dashboard: BuiltDashboard
let browser: Browser

/** Makes the first administrator, who is signed in then. */
async function signUp(page: Page): Promise<void> {
  await page.getByLabel('Name').fill('shift-lead')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('Password again').fill(PASSWORD)
  await page.getByRole('button', { name: 'Make administrator' }).click()
  await page.getByText('Live', { exact: true }).first().waitFor()
}

async function start() {
  const gateway = await startSetUpGateway({ dashboardDir: dashboard.folder, auth: 'required' })
  onTestFinished(() => gateway.stop())
  const opened = await openPage(browser, gateway.setupUrl!, { viewport: { width: 1440, height: 900 } })
  await signUp(opened.page)
  return { ...opened, url: gateway.url }
}

describe.skipIf(chromiumPath === null)('accounts in a browser (needs chromium)', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    dashboard = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await dashboard?.remove()
  })

  it('adds a user and a token, revokes it, and finds all of it in the audit log', async () => {
    const { page, url, complaints } = await start()
    await page.getByRole('link', { name: 'System' }).click()
    await page.getByRole('link', { name: 'Users and tokens' }).click()
    await page.getByRole('button', { name: 'Add a user' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('night-shift')
    await dialog.getByLabel('Role').selectOption('operator')
    await dialog.getByLabel('Password').fill(PASSWORD)
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'users-add.png') })
    await dialog.getByRole('button', { name: 'Add' }).click()
    await page.getByRole('row', { name: /^night-shift Operator/ }).waitFor()

    await page.getByRole('button', { name: 'Make a token' }).click()
    await dialog.getByLabel('Name of the program').fill('historian')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    const token = (await dialog.getByLabel('Token', { exact: true }).textContent())!.trim()
    expect(await seriousFindings(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Done' }).click()
    const asProgram = () => fetch(`${url}/api/v1/sensors`, { headers: { authorization: `Bearer ${token}` } })
    expect((await asProgram()).status).toBe(200)
    await page.screenshot({ path: join(RESULTS, 'users.png') })
    await page.getByRole('button', { name: 'Revoke historian' }).click()
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('There are none: no program has access.').waitFor()
    expect((await asProgram()).status).toBe(401)

    await page.getByRole('button', { name: 'Make a token' }).click()
    await dialog.getByLabel('Name of the program').fill('shop-floor')
    await dialog.getByLabel('May do what this role may').selectOption('ingest')
    await dialog.getByLabel('For these devices').fill('apps, scales')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    const narrow = (await dialog.getByLabel('Token', { exact: true }).textContent())!.trim()
    await dialog.getByRole('button', { name: 'Done' }).click()
    const asFeeder = { headers: { authorization: `Bearer ${narrow}` } }
    expect((await fetch(`${url}/api/v1/sensors`, asFeeder)).status).toBe(403)
    await page.getByRole('row', { name: /shop-floor.*apps, scales/ }).waitFor()

    await page.getByRole('link', { name: 'Audit log' }).click()
    await page.getByRole('row', { name: /token\.revoke/ }).waitFor()
    await page.getByLabel('About', { exact: true }).selectOption('user')
    await page.getByRole('row', { name: /user\.add.*night-shift/ }).waitFor()
    await expect.poll(() => page.getByRole('row', { name: /token\./ }).count()).toBe(0)
    await page.getByRole('button', { name: 'Check that it is intact' }).click()
    await page.getByText('Every entry is as it was written.').waitFor()
    expect(complaints).toEqual([])
  })

  it('changes the own password and ends another own session', async () => {
    const { page, url } = await start()
    const login = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const body = JSON.stringify({ name: 'shift-lead', password: PASSWORD })
    expect((await fetch(`${url}/api/v1/session`, { ...login, body })).status).toBe(200)
    await page.getByRole('link', { name: 'System' }).click()
    await page.getByRole('link', { name: 'Your account' }).click()
    await page.getByRole('button', { name: /^End the session of/ }).click()
    await expect.poll(() => page.getByRole('button', { name: /^End the session of/ }).count()).toBe(0)
    await page.getByLabel('Present password').fill(PASSWORD)
    await page.getByLabel('New password', { exact: true }).fill('another good one')
    await page.getByLabel('New password again').fill('another good one')
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByText('Your password is changed.').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    const changed = JSON.stringify({ name: 'shift-lead', password: 'another good one' })
    expect((await fetch(`${url}/api/v1/session`, { ...login, body: changed })).status).toBe(200)
  })

  it('looks right in every size and colour', async () => {
    const { context, url } = await start()
    const storageState = await context.storageState()
    for (const { look, isFull, options } of LOOKS)
      for (const [name, heading] of [
        ['users', 'Users and tokens'],
        ['audit', 'Audit log'],
        ['account', 'Your account'],
      ] as const) {
        if (!isFull && name !== 'users') continue
        const {
          page,
          complaints,
          context: other,
        } = await openPage(browser, `${url}/${name}`, { ...options, storageState })
        await page.getByRole('heading', { level: 1, name: heading }).waitFor()
        await page
          .getByRole('row', { name: /shift-lead|127\.0\.0\.1/ })
          .first()
          .waitFor()
        expect(await seriousFindings(page)).toEqual([])
        expect(await isSideways(page), `${name} scrolls sideways as ${look}`).toBe(false)
        await page.screenshot({ path: join(RESULTS, `${name}-${look}.png`) })
        expect(complaints).toEqual([])
        await other.close()
      }
  })
})
