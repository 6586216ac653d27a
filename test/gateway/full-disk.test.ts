// A disk that is really full, seen from outside: polling pauses and says so; nothing that was read before is lost.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { LineFaults } from '#simulate/line-faults.ts'
import { ModbusServer } from '#simulate/modbus-server.ts'
import { RegisterBank } from '#simulate/register-bank.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { getJson, startTestGateway } from './start-gateway.ts'

const mountPoint = mkdtempSync(join(tmpdir(), 'telemetryx-full-'))
const canMount = ((): boolean => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mountPoint], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** Fills the disk to the last block. */
function fill(path: string): void {
  for (let size = 4 * 2 ** 20; size > 0; size -= 4096) {
    try {
      writeFileSync(path, Buffer.alloc(size))
      return
    } catch {
      continue
    }
  }
}

describe.skipIf(!canMount)('a gateway on a full disk (needs the right to mount)', () => {
  afterAll(() => {
    execFileSync('umount', [mountPoint])
    rmdirSync(mountPoint)
  })

  it('pauses polling and says why, goes on by itself, and keeps what it had accepted', async () => {
    const bank = new RegisterBank()
    const server = new ModbusServer(new Map([[1, { bank, faults: new LineFaults() }]]))
    const port = await server.listen(0)
    const counter = setInterval(() => bank.setHolding(0, (bank.getHolding(0) + 1) & 0xffff), 5)
    const sensors = Array.from({ length: 50 }, (_, n) => `{ id: s${n}, register: holding, address: 0 }`).join(', ')
    const gateway = await startTestGateway(
      mountPoint,
      `buffer: { capacity: 1024, whenFull: block }
store: { flushInterval: 200ms, maxSize: 16MiB }
devices:
  - { id: press-1, driver: modbus, connection: { transport: tcp, host: 127.0.0.1, port: ${port} }, poll: 20ms, sensors: [ ${sensors} ] }
`,
    )
    const device = (): Promise<{ state: string; reason: string | null; polls: number; skippedPolls: number }> =>
      getJson(gateway, '/api/v1/devices/press-1')
    await vi.waitFor(async () => expect((await device()).polls).toBeGreaterThan(20), EVENTUALLY)

    const ballast = join(mountPoint, 'ballast')
    fill(ballast)
    await vi.waitFor(async () => {
      const ready = await fetch(`${gateway.url}/readyz`)
      const codes = ((await ready.json()) as { reasons: { code: string }[] }).reasons.map(({ code }) => code)
      expect([ready.status, codes]).toEqual([503, ['store-failing', 'ring-blocked']])
      expect(await device()).toMatchObject({ state: 'paused', reason: expect.stringMatching(/buffer/) as unknown })
    }, EVENTUALLY)
    const alarms = async (): Promise<unknown> => (await getJson<{ items: unknown[] }>(gateway, '/api/v1/alarms')).items
    const alarm = {
      sensor: 'gateway.store',
      check: 'writable',
      checkType: 'system',
      level: 'fault',
      severity: 'urgent',
    }
    expect(await alarms()).toMatchObject([{ ...alarm, active: true, acknowledged: false }])
    const { polls } = await device()

    rmSync(ballast)
    await vi.waitFor(async () => {
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
      const now = await device()
      expect(now.state).toBe('up')
      expect(now.polls).toBeGreaterThan(polls + 5)
      expect(now.skippedPolls).toBeGreaterThan(0)
    }, EVENTUALLY)
    // The alarm is over by itself, and stays until somebody has seen it.
    expect(await alarms()).toMatchObject([{ ...alarm, active: false, acknowledged: false }])
    const text = await (await fetch(`${gateway.url}/metrics`)).text()
    expect(text).not.toMatch(/^telemetryx_dropped_total\{stage="(pipeline|ring)".*\} [1-9]/m)

    clearInterval(counter)
    await gateway.stop({ deadlineMs: 5000 })
    await server.close()
  })
})
