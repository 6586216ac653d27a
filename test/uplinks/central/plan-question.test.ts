// What a configuration would change here, asked by central before it is offered: against the gateway's real door for changes.

import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Clock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { HttpLine } from '#uplinks/central/http-line.ts'
import { Offers } from '#uplinks/central/offers.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { ConfigurationBed, HEAD } from '#test/gateway/configuration-bed.ts'
import { problem, ScriptedCentral } from './scripted-central.ts'

const device = (id: string): string =>
  `  - { id: ${id}, driver: sim, host: plc-${id}, sensors: [ { id: a, address: 7 } ] }\n`
const devices = (...list: string[]): string => `${HEAD}devices:\n${list.join('')}`
const PATH = '/api/v1/gateways/edge-01/configuration'

let bed: ConfigurationBed
let central: ScriptedCentral
let line: HttpLine
/** What somebody at central waits for, and how central takes the answer. */
let asked: { readonly plan: string; readonly text: unknown } | null
let takes: number

beforeEach(async () => {
  asked = null
  takes = 204
  bed = await new ConfigurationBed().start(devices(device('a')))
  central = await ScriptedCentral.start(({ method, path }, response) => {
    if (method === 'PUT') return takes >= 400 ? problem(response, takes, 'No') : status(response, takes)
    if (path === PATH) return status(response, 304, asked === null ? {} : { 'Telemetryx-Plan': asked.plan })
    if (asked === null || path !== `${PATH}/plans/${asked.plan}`) return status(response, 404)
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(asked))
    return true
  })
  line = new HttpLine({
    url: new URL(central.url),
    token: undefined,
    tls: { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true },
    userAgent: 'test',
    onLost: () => {},
  })
})
afterEach(async () => {
  line.end()
  await central.close()
})

function offers(clock: Clock = bed.clock): Offers {
  const who = { gateway: 'edge-01', uplink: 'hq', stateDir: undefined, epoch: 1 }
  return new Offers({ clock, log: silentLogger, line, desk: bed.desk, ...who })
}

const told = (): unknown[] =>
  central.seen.flatMap(({ method, path, body }) =>
    method === 'PUT' ? [[path.slice(PATH.length + 1), JSON.parse(body.toString()) as unknown]] : [],
  )

describe('A plan that central asks for', () => {
  it('is made and told, and nothing is applied', async () => {
    asked = { plan: 'p3', text: devices(device('a'), device('b')) }
    await bed.during(offers().look())
    expect(central.seen[0]).toMatchObject({ path: PATH, headers: { 'telemetryx-can': 'plan' } })
    expect(told()).toEqual([
      [
        'plans/p3',
        {
          base: bed.desk.present().etag,
          summary: '1 device starts; 1 device and 0 uplinks undisturbed',
          lines: ['+ device b (starts)', '+ sensor b.a'],
          needsRestart: [],
          reason: null,
          problems: [],
        },
      ],
    ])
    expect(bed.desk.revisions()).toHaveLength(1)
    expect(bed.onDisk).toBe(devices(device('a')))
  })

  it('of a text that is wrong is told with its problems', async () => {
    asked = { plan: 'p4', text: devices('  - { id: a, driver: nothing }\n') }
    await bed.during(offers().look())
    expect(told()).toMatchObject([
      [
        'plans/p4',
        {
          summary: null,
          lines: [],
          reason: expect.any(String) as string,
          problems: [{ line: 5, column: 22, message: expect.stringContaining('nothing') as string }],
        },
      ],
    ])
  })

  it('says what needs a restart', async () => {
    asked = { plan: 'p5', text: devices(device('a')).replace('65536', '131072') }
    await bed.during(offers().look())
    expect(told()).toMatchObject([['plans/p5', { needsRestart: ['buffer.capacity'], reason: null }]])
  })

  it('is made again when central was away, and not when central does not want the answer', async () => {
    asked = { plan: 'p6', text: devices(device('a')) }
    takes = 503
    const asking = offers()
    await expect(bed.during(asking.look())).rejects.toMatchObject({ retryable: true })
    takes = 400
    await bed.during(asking.look())
    await bed.during(asking.look())
    expect(told()).toHaveLength(2)
  })

  it('makes the gateway ask more often for five minutes', async () => {
    const rounds: { readonly delayMs: number; readonly fire: () => void }[] = []
    let now = 0
    const clock: Clock = {
      now: () => now,
      monotonic: () => now,
      after: (delayMs, fire) => {
        rounds.push({ delayMs, fire })
        return { cancel: () => {} }
      },
    }
    const asking = offers(clock)
    const next = async (): Promise<number> => {
      const known = rounds.length
      if (known === 0) asking.start()
      else rounds.at(-1)!.fire()
      await vi.waitFor(() => expect(rounds.length).toBe(known + 1), EVENTUALLY)
      return rounds.at(-1)!.delayMs
    }
    expect(await next()).toBe(30_000)
    asked = { plan: 'p7', text: devices(device('a')) }
    expect(await next()).toBe(2000)
    asked = null
    expect(await next()).toBe(2000)
    now = 300_000
    expect(await next()).toBe(30_000)
    asking.end()
  })

  it('is not made when nobody waits for it any more', async () => {
    asked = { plan: 'p8', text: devices() }
    central.script = (
      (inner) => (seen, response, self) =>
        seen.path === PATH ? inner(seen, response, self) : status(response, 404)
    )(central.script)
    await bed.during(offers().look())
    expect(told()).toEqual([])
  })

  it('of no text at all is no question', async () => {
    asked = { plan: 'p9', text: 5 }
    await expect(bed.during(offers().look())).rejects.toMatchObject({ code: 'PROTOCOL' })
    expect(told()).toEqual([])
  })
})

function status(response: ServerResponse, code: number, headers: Record<string, string> = {}): true {
  response.writeHead(code, headers).end()
  return true
}
