// What brain and central tell systemd, heard at a real socket.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { LAUNCHER } from '../cli/run-command.ts'
import { isPresent, notifySocket } from './notify-socket.ts'

const eventually = { timeout: 90_000, interval: 100 }
const isHere = isPresent('systemd-notify') && isPresent('python3')
const CONFIGURATIONS = {
  brain: 'version: 1\nlisten: { port: 0 }\nhttp: { port: 0 }\ndata: ./data\n',
  central: 'version: 1\nhttp: { port: 0 }\ndata: ./data\n',
}

describe.skipIf(!isHere)('under systemd (needs systemd-notify, python3)', { timeout: 180_000 }, () => {
  it.each(Object.entries(CONFIGURATIONS))('%s tells that it serves, lives and stops', async (role, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-role-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, `${role}.yaml`)
    writeFileSync(file, text)
    const socket = await notifySocket(folder, 4000)
    const env = { ...process.env, ...socket.env }
    const child = spawn(process.execPath, [LAUNCHER, role, '--config', file], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (part: string) => (log += part))
    const told = (): string[] => socket.messages.flat()
    await vi.waitFor(() => {
      if (child.exitCode !== null) throw new Error(log)
      expect(told()).toContain('READY=1')
    }, eventually)
    await vi.waitFor(() => expect(told()).toContain('WATCHDOG=1'), eventually)
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number]
    expect(code, log).toBe(0)
    await vi.waitFor(() => expect(told()).toContain('STOPPING=1'), eventually)
  })
})
