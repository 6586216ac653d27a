// People and the audit log of a central in a browser: accounts made, changed, signed out, disabled and removed, and who did it.

import { mkdir, readFile } from 'node:fs/promises'
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

const url = (path = ''): string => fleet.central.url + path

async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function open(path: string, name = 'shift-lead'): Promise<OpenedPage> {
  const opened = await openPage(browser, url(path), DESK)
  await signIn(opened.page, name)
  return opened
}

/** Presses the button of a person and the one of the same name in the dialog that asks. */
async function confirm(page: Page, button: string, action: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: action, exact: true }).click()
}

/** One after the other: each begins where the former ended. */
describe.skipIf(chromiumPath === null)('people of central (needs chromium)', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    built = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
    fleet = await startFleetCentral(built.folder)
    await CentralCaller.first(url(), fleet.central.setupUrl!)
  }, 240_000)
  afterAll(async () => {
    await browser?.close()
    await fleet?.stop()
    await built?.remove()
  })

  it('are made by an administrator, who gives them another role, with the keyboard alone', async () => {
    const { complaints, page } = await open('/people')
    await page.getByRole('row', { name: /^shift-lead This is you .* platform: also makes tenants Admin/ }).waitFor()
    expect(await page.getByRole('button', { name: 'Disable shift-lead' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Add a user' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    await page.keyboard.type('night-shift')
    await dialog.getByLabel('Role').selectOption('engineer')
    await dialog.getByLabel('Password').fill('short')
    await page.keyboard.press('Enter')
    await dialog
      .getByRole('alert')
      .getByText(/password/i)
      .waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'central-people-add.png') })
    await dialog.getByLabel('Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /^night-shift Engineer/ }).waitFor()
    await page.getByRole('button', { name: 'Change night-shift' }).click()
    await dialog.getByLabel('Role').selectOption('viewer')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('row', { name: /^night-shift Viewer/ }).waitFor()
    // A refused password is said by the browser too.
    expect(complaints.filter((line) => !line.includes('400'))).toEqual([])
  })

  it('see what their role may, and nothing when they are signed out or disabled', async () => {
    const { page } = await open('/people', 'night-shift')
    await page.getByText('People are for administrators').waitFor()
    expect(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents()).toEqual([
      'Fleet',
      'Machines',
      'Alarms',
    ])
    const admin = await open('/people')
    await confirm(admin.page, 'Sign out night-shift', 'Sign out')
    await admin.page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Fleet' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn(page, 'night-shift')
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()

    await confirm(admin.page, 'Disable night-shift', 'Disable')
    await admin.page.getByRole('row', { name: /^night-shift Viewer Disabled/ }).waitFor()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn(page, 'night-shift')
    await page.getByRole('alert').getByText('Tenant, name or password is wrong').waitFor()
    await confirm(admin.page, 'Enable night-shift', 'Enable')
    await admin.page.getByRole('button', { name: 'Disable night-shift' }).waitFor()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  })

  it('see their open sessions, and end one of them', async () => {
    const other = await open('/', 'night-shift')
    await other.page.getByRole('heading', { name: 'Fleet' }).waitFor()
    const { complaints, page } = await open('/account', 'night-shift')
    const table = page.getByRole('table', { name: 'Your open sessions' })
    await table.getByRole('row', { name: /This one/ }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    for (let left = await table.getByRole('button').count(); left > 0; left--) {
      await table.getByRole('button').first().click()
      await expect.poll(() => table.getByRole('button').count()).toBe(left - 1)
    }
    expect(complaints).toEqual([])
    await other.page.reload()
    await other.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  it('change their own password, and sign in with it', async () => {
    const { page } = await open('/', 'night-shift')
    await page.getByRole('link', { name: /night-shift.*your account/ }).click()
    await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor()
    await page.getByLabel('Present password').fill(PASSWORD)
    await page.getByLabel('New password', { exact: true }).fill('another good one')
    await page.getByLabel('New password again').fill('another good one')
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn(page, 'night-shift', 'another good one')
    await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor()
  })

  it('stand in the audit log with what they did: by person, subject and time, page by page, and as a file', async () => {
    const { complaints, page } = await open('/audit?span=24h')
    await page.getByRole('row', { name: /shift-lead.*user\.sign-out night-shift Done/ }).waitFor()
    await page.getByLabel('About', { exact: true }).selectOption('user')
    await expect.poll(() => page.getByRole('row', { name: /session\./ }).count()).toBe(0)
    await page.getByLabel('Who, exactly').fill('night-shift')
    await page.getByRole('status').getByText('1 entry').waitFor()
    await page.getByRole('row', { name: /night-shift.*user\.password/ }).waitFor()
    expect(new URL(page.url()).search).toBe('?span=24h&action=user&who=night-shift')
    await page.getByLabel('Who, exactly').fill('')
    await page.getByLabel('What was changed, exactly').fill('nobody')
    await page.getByText('Nothing like this was changed').waitFor()
    await page.getByLabel('What was changed, exactly').fill('night-shift')
    await page.getByRole('row', { name: /user\.add/ }).waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as CSV' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('audit-plant-group.csv')
    const lines = (await readFile(await download.path(), 'utf8')).split('\r\n')
    expect(lines[0]).toBe('time,who,via,from,action,target,outcome,before,after')
    expect(lines.at(-2)).toMatch(
      /Z,shift-lead,session,127\.0\.0\.1,user\.add,night-shift,done,,"\{""role"":""engineer""\}"$/,
    )
    expect(lines.filter((line) => line !== '' && !line.includes(',user.')).length).toBe(1)
    await page.getByRole('button', { name: 'Platform' }).click()
    await page.getByText('Nothing like this was changed').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('are removed for good', async () => {
    const { page } = await open('/people')
    await confirm(page, 'Remove night-shift', 'Remove')
    await expect.poll(() => page.getByRole('row', { name: /^night-shift/ }).count(), { timeout: 60_000 }).toBe(0)
  })

  it('are told to load a page anew that is older than central', async () => {
    const { context, page } = await open('/people')
    await page.getByRole('row', { name: /^shift-lead/ }).waitFor()
    // As after an update: another page is handed out, and an answer has another shape.
    const present = await (await fetch(url('/'), { headers: { accept: 'text/html' } })).text()
    const body = present.replace(/\/assets\/central-[^."]+\.js/, '/assets/central-newer.js')
    expect(body).not.toBe(present)
    await context.route(url('/'), (route) => route.fulfill({ contentType: 'text/html', body }))
    await context.route('**/api/v1/users?*', (route) => route.fulfill({ json: { people: [] } }))
    await page.getByRole('alert').getByText('This page is older than central: reload it.').waitFor()
    await page.getByRole('alert').getByText('list.items is not a list').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'central-outdated.png') })
    const loaded = page.waitForEvent('load')
    await page.getByRole('button', { name: 'Reload this page' }).click()
    await loaded
    await context.unrouteAll({ behavior: 'ignoreErrors' })
    await page.getByRole('row', { name: /^shift-lead/ }).waitFor()
    await expect.poll(() => page.getByText('This page is older').count(), { timeout: 60_000 }).toBe(0)
  })

  it('have pages that look right on a desk and on a phone, light and dark', async () => {
    const { context, page: first } = await open('/')
    await first.getByRole('heading', { name: 'Fleet' }).waitFor()
    const storageState = await context.storageState()
    for (const { look, options } of LOOKS.filter(({ isFull }) => isFull))
      for (const [name, path, content] of [
        ['people', '/people', 'This is you'],
        ['audit', '/audit', 'user.add'],
        ['account', '/account', 'Present password'],
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
