// What a gateway knows of an alarm is known at central and at the brain, over the real lines: here of a check that was taken out of
// service while it had no alarm.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { BrainBed, TOKENS } from '#test/brain/brain-bed.ts'
import { CentralPeer } from '#test/central/api/central-peer.ts'
import { startGatewayProcess, type GatewayProcess } from '#test/cli/gateway-process.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasPostgres } from '#test/sim/postgres.ts'

interface AlarmItem {
  readonly id: string
  readonly sensor: string
  readonly outOfService: boolean
  readonly outOfServiceUntil: string | null
}
interface List<T> {
  readonly items: readonly T[]
}

const CHECK = '/sensors/apps.jobs/checks/threshold'

describe.skipIf(!hasPostgres)('a check out of service (needs postgresql)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-alarms-'))
  let central: CentralPeer
  let brain: BrainBed
  let read: string
  let ingest: string

  beforeAll(async () => {
    central = await CentralPeer.start()
    brain = await new BrainBed({ databaseUrl: central.postgres.url }).start()
    const admin = await central.setUp()
    ingest = await central.keyFor(admin, 'north', ['ingest'], { gateway: 'edge-01' })
    read = await central.keyFor(admin, 'north', ['read'])
  })

  afterAll(async () => {
    await brain?.close()
    await central?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function gateway(): Promise<GatewayProcess> {
    const file = join(folder, 'gateway.yaml')
    writeFileSync(
      file,
      `version: 1
gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0, auth: none }
devices:
  - { id: apps, driver: http, sensors: [ { id: jobs, field: jobs, checks: [ { type: threshold, high: 80 } ] } ] }
uplinks:
  - { id: hq, type: central, url: "${central.url}", token: "${ingest}" }
  - { id: brain, type: grpc, url: "grpc://127.0.0.1:${brain.brain.ports.grpc}", token: "${TOKENS.gateway}" }
`,
    )
    return startGatewayProcess(file)
  }

  async function post<T>({ url }: GatewayProcess, path: string, body: object): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect([path, response.status]).toEqual([path, 200])
    return (await response.json()) as T
  }

  const atCentral = async <T>(path: string): Promise<readonly T[]> =>
    (await central.ask<List<T>>(path, { key: read })).body.items ?? []
  const isOut = (): Promise<readonly AlarmItem[]> => atCentral<AlarmItem>('alarms?state=outOfService')

  it('is so at central and for the rules of the brain, until it is back', async () => {
    await brain.rules().create({
      id: 'out',
      name: 'Out of service',
      enabled: true,
      severity: 1,
      condition: '{"and":[{"var":"alarm.neverRaised"},{">":[{"var":"alarm.outOfServiceUntil"},0]}]}',
      actions: [{ kind: { case: 'alert', value: { message: '{alarm.sensor} is out' } } }],
    })
    const edge = await gateway()
    const taken = await post<AlarmItem>(edge, `${CHECK}/out-of-service`, { duration: '8h', comment: 'new probe' })
    expect(taken.outOfServiceUntil).not.toBeNull()
    const there = { ...taken, id: `edge-01/${taken.id}` }

    await vi.waitFor(async () => expect(await isOut()).toMatchObject([there]), EVENTUALLY)
    // As at the gateway: it can be seen, but nothing was raised.
    expect(await atCentral('sensors/apps.jobs/alerts')).toEqual([])
    const [entry] = await atCentral<{ change: string; comment: string; alarm: AlarmItem }>('journal')
    const { id, outOfServiceUntil } = there
    const alarm = { id, outOfService: true, outOfServiceUntil }
    expect(entry).toMatchObject({ change: 'outOfService', comment: 'new probe', alarm })
    const data = { 'alarm.neverRaised': true, 'alarm.outOfServiceUntil': Date.parse(outOfServiceUntil!) }
    await vi.waitFor(
      async () => expect(await atCentral('alerts')).toMatchObject([{ message: 'apps.jobs is out', data }]),
      EVENTUALLY,
    )

    await post(edge, `${CHECK}/in-service`, {})
    await vi.waitFor(async () => expect(await isOut()).toEqual([]), EVENTUALLY)
    expect(await atCentral('alarms')).toEqual([])
    await edge.end('SIGTERM')
  })
})
