// HEALTHCHECK of the images, which have no curl: exits 0 when the URL answers 200 within five seconds.

const [url = ''] = process.argv.slice(2)
const TIMEOUT_MS = 5000

try {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
} catch (error) {
  process.stderr.write(`${url}: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
