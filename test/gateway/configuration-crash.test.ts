// kill -9 in the middle of changes: after it there is the old configuration or the new one, as a whole.
// TELEMETRYX_CRASH_ROUNDS=100 for a long run.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { seededRandom } from '#kit/random.ts'
import { startGatewayProcess } from '../cli/gateway-process.ts'

const ROUNDS = Number(process.env['TELEMETRYX_CRASH_ROUNDS'] ?? 3)

const config = (sensor: string): string => `gateway: { id: edge-01, factory: Plant A }
http: { port: 0, auth: none }
configuration: { watch: 0 }
devices: [ { id: apps, driver: http, sensors: [ { id: ${sensor} } ] } ]
`

interface Present {
  readonly text: string
  readonly fileState: string
  readonly revision: { readonly number: number; readonly state: string }
}

describe('A gateway that is killed while its configuration is changed', () => {
  it(`has the old one or the new one afterwards, as a whole (${ROUNDS} rounds)`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'telemetryx-config-crash-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    const file = join(dir, 'gateway.yaml')
    const random = seededRandom(Number(process.env['TELEMETRYX_SEED'] ?? 1))
    let known = config('s0')
    writeFileSync(file, known)
    let gateway = await startGatewayProcess(file)
    for (let round = 1; round <= ROUNDS; round++) {
      const next = config(`s${round}`)
      const headers = { 'content-type': 'application/yaml', 'if-match': '*' }
      const changed = fetch(`${gateway.url}/api/v1/config`, { method: 'PUT', headers, body: next }).catch(() => null)
      await delay(random() * 1200) // reading it takes some hundred milliseconds; the rest is quick
      await gateway.end('SIGKILL')
      await changed
      gateway = await startGatewayProcess(file)
      const answer = await fetch(`${gateway.url}/api/v1/config`, { headers: { accept: 'application/json' } })
      const present = (await answer.json()) as Present
      expect([known, next]).toContain(present.text)
      expect(readFileSync(file, 'utf8')).toBe(present.text)
      expect(present).toMatchObject({ fileState: 'same', revision: { state: 'kept' } })
      const sensors = (await (await fetch(`${gateway.url}/api/v1/sensors`)).json()) as { items: { id: string }[] }
      expect(sensors.items.map(({ id }) => `${id}`)).toEqual([`apps.${/id: (s\d+)/.exec(present.text)?.[1]}`])
      known = present.text
    }
  }, 300_000)
})
