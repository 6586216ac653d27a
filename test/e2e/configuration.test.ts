// Changing the configuration in the browser, before a real gateway with real Modbus devices. Screenshots go to test-results/.

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard, RESULTS, type BuiltDashboard } from './built-dashboard.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { isSideways, LOOKS, openPage, seriousFindings } from './looks.ts'
import { startSetUpGateway, type SetUpGateway } from './set-up-gateway.ts'

let dashboard: BuiltDashboard
let browser: Browser
let gateway: SetUpGateway

const editor = (page: Page) => page.getByRole('textbox', { name: /^Configuration in YAML/ })
const desk = { viewport: { width: 1440, height: 900 } } as const

async function openEditor(options: Parameters<typeof openPage>[2] = desk) {
  const opened = await openPage(browser, `${gateway.url}/configuration`, options)
  await opened.page.getByText('No mistakes found.').waitFor()
  return opened
}

/** Replaces the first `before` in the editor, with the keyboard. */
async function edit(page: Page, before: string, after: string): Promise<void> {
  await editor(page).focus()
  await page.keyboard.press('Control+f')
  const find = page.getByRole('textbox', { name: 'Find' })
  await find.fill(before)
  await find.press('End') // it takes its text up when a key is let go
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
  await page.keyboard.insertText(after)
}

async function plan(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Show what would change' }).click()
  await page.getByRole('heading', { name: 'What would change' }).waitFor()
}

describe.skipIf(chromiumPath === null)('the configuration in a browser (needs chromium)', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    dashboard = await buildDashboard()
    await mkdir(RESULTS, { recursive: true })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await dashboard?.remove()
  })
  beforeEach(async () => {
    gateway = await startSetUpGateway({ dashboardDir: dashboard.folder })
    const started = gateway
    onTestFinished(() => started.stop())
  })

  it('says what is wrong at its line, plans in words, applies only that, and keeps it when all goes well', async () => {
    const { page, complaints } = await openEditor()
    await edit(page, 'address: 2', 'address: two')
    await page.getByText('1 mistake:').waitFor()
    await page.getByRole('button', { name: /^Line 23 / }).click()
    await page.screenshot({ path: join(RESULTS, 'configuration-mistake.png') })
    expect(await page.locator('.cm-lintRange-error').count()).toBe(1)
    await edit(page, 'address: two', 'address: 3')
    await page.getByText('No mistakes found.').waitFor()
    await plan(page)
    await page.getByText('1 device and 0 uplinks go on undisturbed.').waitFor()
    const row = page.getByRole('row', { name: /press-2\.level/ })
    expect(await row.textContent()).toContain('address: 2 → 3')
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'configuration-plan.png'), fullPage: true })

    await page.getByLabel('Why (for the list of revisions)').fill('the level moved')
    await page.getByRole('button', { name: 'Apply' }).click()
    await page.getByText('Revision 2 is in force and watched').waitFor()
    await page.getByText('Revision 2 stays.').waitFor()
    expect(await readFile(gateway.file, 'utf8')).toContain('address: 3')
    expect(await readFile(gateway.file, 'utf8')).toContain('# Hydraulics, left')

    await page.getByRole('link', { name: 'Revisions', exact: true }).click()
    await page.getByRole('cell', { name: /the level moved/ }).waitFor()
    await page.getByRole('button', { name: 'Changes of revision 2' }).click()
    await page.getByRole('row', { name: /press-2\.level.*2 → 3/ }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'revisions-desk-light.png'), fullPage: true })
    await page.getByRole('button', { name: 'Go back to revision 1' }).click()
    const dialog = page.getByRole('dialog', { name: 'Go back to revision 1?' })
    await dialog.getByText('3 → 2').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Go back' }).click()
    await page.getByText('Revision 3 is in force and watched').waitFor()
    expect(await readFile(gateway.file, 'utf8')).toContain('address: 2')
    expect(complaints).toEqual([])
  })

  it('shows that a change that makes a device fail is taken back, and why', async () => {
    const { page } = await openEditor()
    await edit(page, 'host: 127.0.0.1', 'host: 127.0.0.9')
    await plan(page)
    await page.getByRole('button', { name: 'Apply' }).click()
    await page.getByText('Revision 2 was taken back:').waitFor({ timeout: 60_000 })
    await page.screenshot({ path: join(RESULTS, 'configuration-taken-back.png') })
    await expect.poll(() => readFile(gateway.file, 'utf8')).not.toContain('127.0.0.9')
    await expect.poll(() => editor(page).textContent()).not.toContain('127.0.0.9')
  })

  it('completes keys and words of the schema, explains a key, and lets Tab leave the editor', async () => {
    const { page } = await openEditor()
    await edit(page, 'register: holding, address: 2', 'register: in, address: 2')
    await edit(page, 'register: in', 'register: in')
    await page.keyboard.press('Control+Space')
    await page.getByRole('option', { name: 'input' }).waitFor()
    await page.keyboard.press('Escape')
    await edit(page, '    poll: 1s', '    poll: 1s\n    mach')
    await page.keyboard.press('Control+Space')
    await page.getByRole('option', { name: /^machine/ }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'configuration-completion.png') })
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+z')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).not.toContain('Hydraulics')
    await page.locator('.cm-line', { hasText: 'poll' }).first().locator('span', { hasText: 'poll' }).hover()
    await page.locator('.cm-explain').waitFor()
  })

  it('keeps the draft while one looks elsewhere, and tells when somebody else was quicker', async () => {
    const { page } = await openEditor()
    await edit(page, 'address: 1,', 'address: 4,')
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.getByRole('link', { name: 'System' }).click()
    await page.getByRole('heading', { name: 'Draft, not applied' }).waitFor()
    await plan(page)

    const url = `${gateway.url}/api/v1/config`
    const other = (await (await fetch(url)).text()).replace('address: 2', 'address: 5')
    const headers = { 'content-type': 'application/yaml', 'if-match': '*' }
    const answer = await fetch(`${url}?comment=night%20shift`, { method: 'PUT', headers, body: other })
    expect(answer.status).toBe(200)

    await page.getByRole('button', { name: 'Apply' }).click()
    await page.getByText('The configuration has changed since you began.').waitFor()
    expect(await page.getByText('night shift').count()).toBe(1)
    await page.screenshot({ path: join(RESULTS, 'configuration-conflict.png') })
    await page.getByRole('button', { name: 'Keep my draft and plan anew' }).click()
    await plan(page)
    await page.getByRole('row', { name: /press-2\.level.*5 → 2/ }).waitFor()
    await page.getByRole('button', { name: 'Discard the draft' }).click()
    await page.getByRole('heading', { name: 'In force' }).waitFor()
    expect(await editor(page).textContent()).toContain('address: 5')
  })

  it('imports sensors from CSV: mistakes by line, then into the draft', async () => {
    const { page, complaints } = await openPage(browser, `${gateway.url}/configuration/import`, desk)
    await page.getByLabel('Device').selectOption('press-1')
    const list = page.getByLabel('or its text')
    await list.fill('id,register,address,type,unit\nflow,holding,seven,uint16,l/min\n')
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.getByRole('row', { name: /^Line 2/ }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.screenshot({ path: join(RESULTS, 'import-mistake.png') })
    await list.fill('id,register,address,type,unit\nflow,holding,7,uint16,l/min\nspeed,holding,8,uint16,1/min\n')
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.getByRole('heading', { name: '2 sensors for press-1' }).waitFor()
    await page.screenshot({ path: join(RESULTS, 'import-preview.png'), fullPage: true })
    await page.getByRole('button', { name: 'Add to the draft' }).click()
    await page.getByText('No mistakes found.').waitFor()
    await plan(page)
    await page.getByRole('row', { name: /press-1\.flow.*New/ }).waitFor()
    await page.getByRole('row', { name: /press-1\.speed.*New/ }).waitFor()
    expect(complaints).toEqual([])
  })

  it.each(LOOKS)('looks right as $look', async ({ look, isFull, options }) => {
    for (const [name, path, heading] of [
      ['configuration', '/configuration', 'Configuration'],
      ['revisions', '/configuration/revisions', 'Revisions'],
      ['import', '/configuration/import', 'Import sensors'],
    ] as const) {
      if (!isFull && name !== 'configuration') continue
      const { page, complaints } = await openPage(browser, gateway.url + path, options)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      await page.getByRole('heading', { level: 2, name: /^(In force|Revisions|The list)$/ }).waitFor()
      expect(await seriousFindings(page)).toEqual([])
      expect(await isSideways(page), `${name} scrolls sideways`).toBe(false)
      await page.screenshot({ path: join(RESULTS, `${name}-${look}.png`) })
      expect(complaints).toEqual([])
    }
  })
})
