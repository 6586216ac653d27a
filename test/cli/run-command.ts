// Runs a command to its end and gives what a shell would see of it.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { vi } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'

export const LAUNCHER = join(PACKAGE_ROOT, 'bin', 'telemetryx')

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  /** Added to this process's own; undefined takes one out. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** `command` with its arguments; not through a shell. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NO_COLOR: '1', ...options.env }
    const child = spawn(command, args, { cwd: options.cwd ?? PACKAGE_ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** `telemetryx` with arguments, on the Node.js that runs the tests. */
export function telemetryx(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(process.execPath, [LAUNCHER, ...args], options)
}

/** What a command prints within this process, and its exit code. */
export async function printedBy(
  command: () => Promise<number>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' }
  const listeners = process.stdout.listeners('error')
  const exitCode = process.exitCode
  const log = vi.spyOn(console, 'log').mockImplementation((text: string) => void (printed.stdout += `${text}\n`))
  const error = vi.spyOn(console, 'error').mockImplementation((text: string) => void (printed.stderr += `${text}\n`))
  try {
    return { code: await command(), ...printed }
  } finally {
    process.exitCode = exitCode
    for (const listener of process.stdout.listeners('error')) {
      if (!listeners.includes(listener)) process.stdout.removeListener('error', listener as () => void)
    }
    log.mockRestore()
    error.mockRestore()
  }
}
