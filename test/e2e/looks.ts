// Opening a page of a gateway as a person would have it, and what must not happen on it.

import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** Sizes and colours; every page in the full ones, the others show the same parts once more. */
export const LOOKS = [
  { look: 'desk-light', isFull: true, options: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' } },
  { look: 'phone-dark', isFull: true, options: { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } },
  { look: 'desk-dark', isFull: false, options: { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' } },
  { look: 'phone-light', isFull: false, options: { viewport: { width: 390, height: 844 }, colorScheme: 'light' } },
  { look: 'high-contrast', isFull: false, options: { viewport: { width: 1440, height: 900 }, contrast: 'more' } },
  {
    look: 'forced-colours',
    isFull: false,
    options: { viewport: { width: 1440, height: 900 }, forcedColors: 'active' },
  },
] as const satisfies readonly { look: string; isFull: boolean; options: BrowserContextOptions }[]

export interface OpenedPage {
  readonly page: Page
  /** Errors on the console, and requests that leave the box. */
  readonly complaints: string[]
  readonly context: BrowserContext
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin', locale: 'en-GB', ...options })
  onTestFinished(() => context.close())
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const complaints: string[] = []
  const { origin } = new URL(url)
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url())
    if (protocol !== 'blob:' && asked !== origin) complaints.push(`request to ${request.url()}`)
  })
  await page.goto(url)
  return { page, complaints, context }
}

export async function seriousFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

export function isSideways(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')
}
