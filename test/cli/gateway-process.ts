// `telemetryx gateway` as a process of its own.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { LAUNCHER } from './run-command.ts'

export interface GatewayProcess {
  readonly child: ChildProcess
  readonly url: string
  /** Lines of its log. */
  readonly log: string[]
  /** Resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Resolves once it serves. It is killed when the test ends. */
export async function startGatewayProcess(
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [LAUNCHER, 'gateway', '-c', file], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: string[] = []
  createInterface(child.stderr).on('line', (line) => log.push(line))
  const exited = once(child, 'exit')
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
  }
  onTestFinished(() => end('SIGKILL'))
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line') as Promise<[string]>,
    exited.then(() => Promise.reject(new Error(`The gateway ended: ${log.join('\n')}`))),
  ])
  return { child, url: line[0].replace('Dashboard: ', ''), log, end }
}
