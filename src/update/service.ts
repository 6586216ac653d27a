// The service that an update restarts: the command that does it, and whether what then answers is the new version and healthy.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { TelemetryError } from '#domain/errors.ts'

const run = promisify(execFile)
const ASK_EVERY_MS = 500
const ANSWER_MS = 5000

/** Throws CONNECTION_FAILED when the command fails. */
export async function restartBy([program = '', ...args]: readonly string[]): Promise<void> {
  try {
    await run(program, args)
  } catch (cause) {
    throw new TelemetryError('CONNECTION_FAILED', `"${[program, ...args].join(' ')}" failed`, { cause })
  }
}

/** What GET of a path answers at the gateway that runs now; throws when there is none. */
export type AskGateway = (
  path: string,
  timeoutMs: number,
) => Promise<{ readonly status: number; readonly text: string }>

/** True once the gateway answers as `version`, without a reason that keeps it from its work. */
export async function becomesHealthy(ask: AskGateway, version: string, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs
  while (performance.now() < until) {
    if (await isHealthy(ask, version)) return true
    await new Promise((wait) => setTimeout(wait, ASK_EVERY_MS))
  }
  return false
}

async function isHealthy(ask: AskGateway, version: string): Promise<boolean> {
  try {
    const ready = await ask('/readyz', ANSWER_MS)
    const { status, text } = await ask('/api/v1/gateway', ANSWER_MS)
    return ready.status === 200 && status === 200 && (JSON.parse(text) as { version?: unknown }).version === version
  } catch {
    return false
  }
}
