// Configurations that central offers, against the gateway's real door for changes: applied once, watched, rolled back, told of.

import { mkdirSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '#kit/logger.ts'
import { HttpLine } from '#uplinks/central/http-line.ts'
import { Offers } from '#uplinks/central/offers.ts'
import { ConfigurationBed, HEAD } from '#test/gateway/configuration-bed.ts'
import { problem, ScriptedCentral } from './scripted-central.ts'

const device = (id: string, host = `plc-${id}`): string =>
  `  - { id: ${id}, driver: sim, host: ${host}, sensors: [ { id: a, address: 7 } ] }\n`
const devices = (...list: string[]): string => `${HEAD}devices:\n${list.join('')}`
const PATH = '/api/v1/gateways/edge-01/configuration'

let bed: ConfigurationBed
let central: ScriptedCentral
let line: HttpLine
let offer: object | null
let isAway: boolean

beforeEach(async () => {
  offer = null
  isAway = false
  bed = await new ConfigurationBed().start(devices(device('a')))
  central = await ScriptedCentral.start((seen, response) => {
    if (isAway) return problem(response, 503, 'Away')
    if (seen.method === 'PUT') return status(response, 204)
    if (seen.path !== PATH || offer === null) return status(response, 304)
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(offer))
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

const offersOf = (epoch = 1): Offers =>
  new Offers({
    clock: bed.clock,
    log: silentLogger,
    line,
    desk: bed.desk,
    gateway: 'edge-01',
    uplink: 'hq',
    stateDir: join(bed.folder, 'hq'),
    epoch,
  })

/** What central was told, in order. */
const told = (): unknown[] =>
  central.seen.flatMap(({ method, path, body }) =>
    method === 'PUT' ? [[path.slice(PATH.length + 1), JSON.parse(body.toString()) as unknown]] : [],
  )
const after = async (ms: number, offers: Offers): Promise<void> => {
  await bed.clock.advance(ms)
  while (bed.desk.revisions().some(({ state }) => state === 'watched')) await bed.clock.advance(1)
  await bed.during(offers.look())
}

describe('An offer of central', () => {
  it('is applied, watched, kept, and told of at each step', async () => {
    offer = { revision: 'r7', text: devices(device('a'), device('b')), comment: 'A second press' }
    const offers = offersOf()
    await bed.during(offers.look())
    expect(bed.acquisition.list().map(({ id }) => id)).toEqual(['a', 'b'])
    expect(bed.desk.revisions()[0]).toMatchObject({
      number: 2,
      origin: 'central',
      by: `central ${line.name}`,
      comment: 'Revision r7 of central: A second press',
    })
    await after(31_000, offers)
    await after(1000, offers)
    const plan = {
      summary: '1 device starts; 1 device and 0 uplinks undisturbed',
      lines: ['+ device b (starts)', '+ sensor b.a'],
    }
    expect(told()).toEqual([
      ['r7', { state: 'watched', number: 2, reason: null, problems: [], plan }],
      ['r7', { state: 'kept', number: 2, reason: null, problems: [] }],
    ])
  })

  it('is rolled back by itself when the gateway is worse for it, and central hears why', async () => {
    offer = { revision: 'r8', text: devices(device('a', 'dead')) }
    const offers = offersOf()
    await bed.during(offers.look())
    await bed.clock.advance(31_000)
    while (bed.desk.revisions()[0]!.origin !== 'rollback') await bed.clock.advance(1)
    await bed.clock.advance(3000)
    await after(3000, offers)
    expect(bed.onDisk).toBe(devices(device('a')))
    expect(bed.acquisition.get('a')?.state).toBe('up')
    expect(told().at(-1)).toEqual([
      'r8',
      { state: 'rolledBack', number: 2, reason: 'device a is down: dead is not there', problems: [] },
    ])
    await after(60_000, offers) // it is still on offer, and not applied again
    expect(bed.desk.revisions()).toHaveLength(3)
  })

  it('that is wrong is refused with its problems, and changes nothing', async () => {
    offer = { revision: 'r9', text: devices('  - { id: a, driver: nothing }\n') }
    await bed.during(offersOf().look())
    expect(bed.desk.revisions()).toHaveLength(1)
    expect(told()).toMatchObject([
      [
        'r9',
        {
          state: 'failed',
          number: null,
          problems: [{ line: 5, message: expect.stringContaining('nothing') as string }],
        },
      ],
    ])
  })

  it('is applied once, also when the uplink begins anew', async () => {
    offer = { revision: 'r7', text: devices(device('a'), device('b')) }
    await bed.during(offersOf().look())
    await bed.apply(devices(device('a'))) // somebody on site takes it back
    const again = offersOf(2)
    await bed.during(again.look())
    expect(bed.acquisition.list().map(({ id }) => id)).toEqual(['a'])
    expect(told().at(-1)).toMatchObject(['r7', { state: 'replaced', number: 2 }])
    expect(central.seen.at(-1)!.headers['if-none-match']).toBe('"r7"')
  })

  it('is followed when the uplink was restarted by it, before its number was known', async () => {
    const text = devices(device('a'), device('b'))
    await bed.during(bed.desk.apply({ text, by: 'central x', origin: 'central', comment: 'Revision r7 of central' }))
    begun('r7', 1)
    await bed.during(offersOf(1).look())
    expect(told()).toMatchObject([['r7', { state: 'watched', number: 2 }]])
  })

  it('that the gateway did not live to apply has failed, and is not tried again', async () => {
    offer = { revision: 'r7', text: devices(device('a'), device('b')) }
    begun('r7', 1)
    await bed.during(offersOf(2).look())
    expect(told()).toMatchObject([['r7', { state: 'failed', reason: 'The gateway ended while it was applied' }]])
    expect(bed.desk.revisions()).toHaveLength(1)
  })

  it('is told of later when central was away', async () => {
    offer = { revision: 'r7', text: devices(device('a'), device('b')) }
    const offers = offersOf()
    central.script = (
      (inner) => (seen, response, self) =>
        seen.method === 'PUT' ? problem(response, 503, 'Away') : inner(seen, response, self)
    )(central.script)
    await expect(bed.during(offers.look())).rejects.toMatchObject({ retryable: true })
    expect(bed.desk.revisions()).toHaveLength(2)
    central.script = (_seen, response) => status(response, 204)
    await bed.during(offers.look())
    expect(told().at(-1)).toMatchObject(['r7', { state: 'watched', number: 2 }])
  })

  it.each([
    ['no text', { revision: 'r1' }],
    ['no name', { text: 'version: 1' }],
    ['a name that is a path', { revision: '../../etc', text: 'version: 1' }],
    ['a list', []],
    ['a number as its comment', { revision: 'r1', text: 'version: 1', comment: 5 }],
  ])('with %s is none', async (_what, nonsense) => {
    offer = nonsense
    await expect(bed.during(offersOf().look())).rejects.toMatchObject({ code: 'PROTOCOL' })
    expect(bed.desk.revisions()).toHaveLength(1)
    expect(told()).toEqual([])
  })
})

function status(response: ServerResponse, code: number): true {
  response.writeHead(code).end()
  return true
}

/** The gateway has begun to apply it, and was ended. */
function begun(revision: string, epoch: number): void {
  mkdirSync(join(bed.folder, 'hq'), { recursive: true })
  const record = { revision, epoch, number: null, state: 'applying', reason: null, problems: [], told: null }
  writeFileSync(join(bed.folder, 'hq', 'offer.json'), JSON.stringify(record))
}
