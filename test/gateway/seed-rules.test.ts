// The rule set that every plant begins with, through the whole gateway: limits whose severity grows with the distance as
// `alerts`, the z-score over the last readings as `anomalies`.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { getJson, startTestGateway } from './start-gateway.ts'

const YAML = `devices:
  - id: app
    driver: http
    sensors:
      - id: temperature
        field: temperature
        unit: degC
        description: Oil
        checks: [ { type: threshold, lowLow: 0, low: 10, high: 75, highHigh: 90 }, { type: zscore, window: 50 } ]
`
const START = Date.now() - 3_600_000

interface Item {
  readonly check: string
  readonly severity: string
  readonly level: string
  readonly message: string
}

let folder = ''
let gateway: Gateway
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-seed-'))
  gateway = await startTestGateway(folder, YAML)
})
afterEach(async () => {
  await gateway.stop({ deadlineMs: 5000 })
  rmSync(folder, { recursive: true, force: true })
})

async function send(from: number, values: readonly number[]): Promise<void> {
  const readings = values.map((value, n) => ({
    sensor: 'temperature',
    value,
    time: new Date(START + (from + n) * 1000).toISOString(),
  }))
  const answer = await fetch(`${gateway.url}/api/v1/ingest/app`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ readings }),
  })
  expect(answer.status).toBe(202)
}

const found = async (route: string): Promise<readonly Item[]> =>
  (await getJson<{ items: Item[] }>(gateway, `/api/v1/sensors/app.temperature/${route}?from=-2h`)).items

describe('the seed rule set', () => {
  it('answers alerts whose severity tells how far beyond the limits, and anomalies that explain themselves', async () => {
    const usual = Array.from({ length: 60 }, (_, n) => 50 + Math.sin(n) / 2)
    await send(0, [...usual, 78, 50, 5, 50, 95.55555, 50, -3])
    await vi.waitFor(async () => {
      const alerts = await found('alerts')
      expect(alerts.map(({ level, severity, message }) => [level, severity, message])).toEqual([
        ['lowLow', 'urgent', 'Oil \u22123 °C is below the low-low limit of 0 °C'],
        ['highHigh', 'urgent', 'Oil 95.6 °C is above the high-high limit of 90 °C'],
        ['low', 'medium', 'Oil 5 °C is below the low limit of 10 °C'],
        ['high', 'medium', 'Oil 78 °C is above the high limit of 75 °C'],
      ])
      const anomalies = await found('anomalies')
      expect(anomalies.at(-1)).toMatchObject({ check: 'zscore', level: 'anomaly', severity: 'low' })
      expect(anomalies.at(-1)!.message).toMatch(
        /^Oil 78(\.0+)? °C is \d+(\.\d)? standard deviations above the mean \d+(\.\d+)? °C of the 50 readings before$/,
      )
    }, EVENTUALLY)
  })
})
