// Changes that do not come through the API stand in its audit log too.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { AuditChange } from '#domain/audit.ts'
import { TelemetryError } from '#domain/errors.ts'
import { auditedCommands, auditedDesk, withAuditedOutcomes } from '#gateway/audited-doors.ts'
import { startGatewayProcess } from '#test/cli/gateway-process.ts'
import { makeModel, makeSensor } from '#test/api/fakes.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { ConfigurationBed, HEAD } from './configuration-bed.ts'

const ORIGIN = { by: 'uplink hq', from: 'mqtt' }

function commandsWith(write: () => Promise<number>) {
  const told: AuditChange[] = []
  const commands = auditedCommands(
    { write, acknowledge: () => {}, check: async () => [] },
    {
      audit: { record: async (change) => void told.push(change) },
      latest: { read: () => null },
      alarms: { get: () => undefined },
      model: () => makeModel([makeSensor(7, 'press-1.setpoint')]),
    },
  )
  return { told, commands }
}

describe('changes through other doors', () => {
  it('tell who wrote what by a command of a receiver, and what was read back', async () => {
    const { told, commands } = commandsWith(async () => 49)
    expect(await commands.write(7, 50, ORIGIN, new AbortController().signal)).toBe(49)
    expect(told).toMatchObject([
      {
        action: 'sensor.write',
        target: 'press-1.setpoint',
        who: 'uplink hq',
        from: 'mqtt',
        outcome: 'done',
        after: 49,
      },
    ])
  })

  it.each([
    ['OUT_OF_RANGE', 'refused'],
    ['TIMEOUT', 'failed'],
  ] as const)('tell a write that ended with %s as %s, and throw it on', async (code, outcome) => {
    const { told, commands } = commandsWith(() => Promise.reject(new TelemetryError(code, 'no')))
    await expect(commands.write(7, 50, ORIGIN, new AbortController().signal)).rejects.toMatchObject({ code })
    expect(told).toMatchObject([{ outcome, after: null }])
  })

  it("tell a central's configuration, and that the gateway took it back by itself, and why", async () => {
    const told: AuditChange[] = []
    const audit = { record: async (change: AuditChange) => void told.push(change) }
    const device = (host: string): string =>
      `${HEAD}devices:\n  - { id: a, driver: sim, host: ${host}, sensors: [ { id: a, address: 7 } ] }\n`
    const bed = await new ConfigurationBed().start(device('plc'))
    const desk = auditedDesk(withAuditedOutcomes(bed.desk, audit), audit, (origin) => origin)
    const offer = { text: device('dead'), by: 'central hq', origin: 'central' as const, comment: null }
    const applied = await bed.during(desk.apply(offer))
    expect(told).toMatchObject([
      {
        action: 'config.apply',
        who: 'central hq',
        via: 'central',
        outcome: 'done',
        before: { revision: 1 },
        after: { revision: 2 },
      },
    ])
    await bed.clock.advance(31_000)
    await bed.during(applied.outcome)
    await vi.waitFor(() => expect(told).toHaveLength(2), EVENTUALLY)
    expect(told[1]).toMatchObject({
      action: 'config.takeBack',
      who: 'system',
      before: { revision: 2 },
      after: { reason: 'device a is down: dead is not there' },
    })
  })

  it('tell that SIGHUP took up another file, and that a wrong one was not', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'telemetryx-doors-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    const file = join(dir, 'gateway.yaml')
    const config = (sensor: string): string =>
      `gateway: { id: edge-01, factory: Plant A }\nhttp: { port: 0 }\n` +
      `devices: [ { id: apps, driver: http, sensors: [ { id: ${sensor} } ] } ]\n`
    writeFileSync(file, config('jobs'))
    const { child } = await startGatewayProcess(file)
    const entries = (): object[] => {
      const text = readFileSync(join(dir, 'data/audit/audit-00000001.jsonl'), 'utf8')
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    }
    const hangUp = async (text: string, count: number): Promise<void> => {
      writeFileSync(file, text)
      child.kill('SIGHUP')
      await vi.waitFor(() => expect(entries()).toHaveLength(count), EVENTUALLY)
    }
    await hangUp(config('parts'), 1)
    await hangUp('nonsense', 2)
    expect(entries()).toMatchObject([
      { action: 'config.reload', who: 'SIGHUP', outcome: 'done', before: { revision: 1 }, after: { revision: 2 } },
      { action: 'config.reload', who: 'SIGHUP', outcome: 'failed', before: { revision: 2 }, after: null },
    ])
  })
})
