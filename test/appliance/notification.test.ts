// What `telemetryx gateway` tells systemd, heard at a real socket.

import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { startGatewayProcess } from '../cli/gateway-process.ts'
import { LAUNCHER } from '../cli/run-command.ts'
import { isPresent, notifySocket, type NotifySocket } from './notify-socket.ts'

const HANG = join(PACKAGE_ROOT, 'test', 'appliance', 'hang-store-thread.mjs')
const eventually = { timeout: 60_000, interval: 50 }
let folder = ''
let file = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-notify-'))
  file = join(folder, 'gateway.yaml')
  configure('[]')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function configure(devices: string): void {
  const text = `version: 1\ngateway: { id: edge-01, factory: Plant A }\ndata: ./data\nhttp: { port: 0, auth: none }\n`
  writeFileSync(file, `${text}devices: ${devices}\n`)
}

/** The words that change a unit's state, in their order. */
function states({ messages }: NotifySocket): string[] {
  return messages.flat().filter((field) => /^(READY|RELOADING|STOPPING)=1$/.test(field))
}

function count({ messages }: NotifySocket, word: string): number {
  return messages.flat().filter((field) => field === word).length
}

const isHere = isPresent('systemd-notify') && isPresent('python3')

describe.skipIf(!isHere)('the gateway under systemd (needs systemd-notify, python3)', { timeout: 120_000 }, () => {
  it('tells that it serves, reloads, serves again and stops, in that order', async () => {
    const socket = await notifySocket(folder, 3_600_000)
    const gateway = await startGatewayProcess(file, socket.env)
    await vi.waitFor(() => expect(states(socket)).toEqual(['READY=1']), eventually)
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    expect(socket.messages[0]).toContainEqual(expect.stringMatching(/^STATUS=Running/))

    const sensor = '{ id: t, register: holding, address: 0 }'
    const connection = '{ transport: tcp, host: 127.0.0.1, port: 1, unit: 1 }'
    configure(`[{ id: press-1, driver: modbus, connection: ${connection}, poll: 1s, sensors: [${sensor}] }]`)
    gateway.child.kill('SIGHUP')
    await vi.waitFor(() => expect(states(socket)).toEqual(['READY=1', 'RELOADING=1', 'READY=1']), eventually)
    expect(gateway.log.join('\n')).toContain('The configuration file was taken up')
    const reloading = socket.messages.find((fields) => fields.includes('RELOADING=1'))
    expect(reloading).toContainEqual(expect.stringMatching(/^MONOTONIC_USEC=\d+$/))

    writeFileSync(file, 'version: nonsense')
    gateway.child.kill('SIGHUP')
    await vi.waitFor(() => expect(states(socket).slice(3)).toEqual(['RELOADING=1', 'READY=1']), eventually)

    await gateway.end('SIGTERM')
    expect(gateway.child.exitCode).toBe(0)
    await vi.waitFor(() => expect(states(socket).slice(5)).toEqual(['STOPPING=1']), eventually)
  })

  it('pings while the pipeline moves, and no more once the store thread hangs', async () => {
    const socket = await notifySocket(folder, 4000)
    const trigger = join(folder, 'hang')
    const fault = { NODE_OPTIONS: `--import ${HANG}`, TELEMETRYX_TEST_HANG: trigger }
    const gateway = await startGatewayProcess(file, { ...socket.env, ...fault })
    await vi.waitFor(() => expect(count(socket, 'WATCHDOG=1')).toBeGreaterThan(2), eventually)

    writeFileSync(trigger, '')
    const last = (field: string): number => socket.messages.findLastIndex((fields) => fields.includes(field))
    const expectSilence = (): void => {
      expect(last('STATUS=No progress: the store thread does not answer')).toBeGreaterThan(last('WATCHDOG=1'))
    }
    await vi.waitFor(expectSilence, eventually)
    await vi.waitFor(() => expect(count(socket, 'TIMEOUT')).toBe(1), eventually)
    expectSilence()
    // The main loop turned all the while: a ping tied to its timers would have gone on.
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
  })

  it('pings on without a word of trouble where nobody listens', async () => {
    const gateway = await startGatewayProcess(file, {
      NOTIFY_SOCKET: join(folder, 'nobody'),
      WATCHDOG_USEC: '200000',
    })
    const failures = (): string[] => gateway.log.filter((line) => line.includes('systemd cannot be told'))
    await vi.waitFor(() => expect(failures()).toHaveLength(1), eventually)
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    await gateway.end('SIGTERM')
    expect(failures()).toHaveLength(1)
  })
})

describe('the log under journald', () => {
  it.each([
    ['has priorities when standard error goes there', 0n, /^<[346]>\{"level":"\w+",/],
    ['is plain when standard error goes elsewhere', 1n, /^\{"level":"\w+",/],
  ])(
    '%s',
    async (_name, shift, line) => {
      const journal = join(folder, 'journal')
      const out = openSync(journal, 'w')
      const { dev, ino } = fstatSync(out, { bigint: true })
      const env = { ...process.env, JOURNAL_STREAM: `${dev}:${ino + shift}` }
      const child = spawn(process.execPath, [LAUNCHER, 'gateway', '-c', file], {
        env,
        stdio: ['ignore', 'ignore', out],
      })
      closeSync(out)
      const lines = (): string[] => readFileSync(journal, 'utf8').split('\n').filter(Boolean)
      try {
        await vi.waitFor(() => expect(lines().join('\n')).toContain('Gateway is running'), eventually)
        for (const written of lines()) expect(written).toMatch(line)
      } finally {
        child.kill('SIGKILL')
      }
    },
    90_000,
  )
})
