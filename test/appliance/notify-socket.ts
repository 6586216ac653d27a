// A real notification socket, as systemd has one, and what was written to it.

import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished, vi } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'

/** Whether `program` answers `--version`. */
export function isPresent(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface NotifySocket {
  /** For the environment of the service. */
  readonly env: Readonly<Record<string, string>>
  /** Each message's fields; `['TIMEOUT']` when the watchdog would have struck. */
  readonly messages: readonly (readonly string[])[]
}

/** Listens in `folder` until the test ends. */
export async function notifySocket(folder: string, watchdogMs: number): Promise<NotifySocket> {
  const path = join(folder, 'notify')
  const script = join(PACKAGE_ROOT, 'test', 'appliance', 'notify-socket.py')
  const microseconds = String(watchdogMs * 1000)
  const child = spawn('python3', [script, path, microseconds], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const messages: string[][] = []
  let isListening = false
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'LISTENING') isListening = true
    else messages.push(line === 'TIMEOUT' ? [line] : (JSON.parse(line) as string[]))
  })
  await vi.waitFor(() => {
    if (!isListening) throw new Error('The socket is not there yet')
  }, 20_000)
  return { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: microseconds }, messages }
}
