import { describe, expect, it } from 'vitest'
import { makeModel, makeSensor } from '../fakes.ts'
import { get, startApi } from '../fixture.ts'

describe('the model', () => {
  it('lists factories and machines with how many sensors they have', async () => {
    const api = await startApi()
    expect((await get(api, '/factories')).json).toEqual({ items: [{ id: 'plant-a', name: 'Plant A' }], next: null })
    const press = { id: 'press-1', name: 'PRESS-1', factory: 'plant-a', sensors: 3 }
    expect((await get(api, '/machines')).json.items).toEqual([
      { id: 'mixer', name: 'MIXER', factory: 'plant-a', sensors: 3 },
      press,
    ])
    expect((await get(api, '/machines?factory=plant-b')).json.items).toEqual([])
    expect((await get(api, '/machines/press-1')).json).toEqual(press)
  })

  it('gives a sensor with the tightest limits of its checks', async () => {
    const api = await startApi()
    expect((await get(api, '/sensors/press-1.oil-temperature')).json).toEqual({
      id: 'press-1.oil-temperature',
      name: 'oil-temperature',
      device: 'press-1',
      machine: 'press-1',
      factory: 'plant-a',
      unit: 'degC',
      type: 'number',
      writable: false,
      description: 'Oil in the tank',
      limits: { lowLow: null, low: 10, high: 70, highHigh: 90 },
      derivation: null,
      checks: [],
    })
  })

  it('finds sensors by machine and by words of their id, description and unit', async () => {
    const api = await startApi()
    const ids = async (query: string): Promise<string[]> =>
      (await get(api, `/sensors?${query}`)).json.items.map(({ id }: { id: string }) => id)
    expect(await ids('machine=press-1')).toEqual(['press-1.oil-temperature', 'press-1.running', 'press-1.setpoint'])
    expect(await ids('q=OIL%20tank')).toEqual(['press-1.oil-temperature'])
    expect(await ids('q=bar')).toEqual(['press-1.setpoint'])
    expect(await ids('q=oil%20bar')).toEqual([])
  })

  it('pages through every sensor once, though sensors come and go between the pages', async () => {
    const sensors = Array.from({ length: 25 }, (_, index) =>
      makeSensor(index, `dev.s${String(index).padStart(2, '0')}`),
    )
    const api = await startApi({ sensors })
    const first = (await get(api, '/sensors?limit=10')).json
    api.info.present = makeModel(sensors.filter(({ id }) => id !== 'dev.s09' && id !== 'dev.s03'))
    const second = (await get(api, `/sensors?limit=10&cursor=${first.next}`)).json
    const third = (await get(api, `/sensors?limit=10&cursor=${second.next}`)).json
    const ids = [first, second, third].flatMap(({ items }) =>
      items.map(({ name }: { name: string }) => Number(name.slice(1))),
    )
    expect(ids).toEqual(Array.from({ length: 25 }, (_, index) => index))
    expect(third.next).toBeNull()
  })

  it('answers 404 in words for what is not there, and 400 for a cursor of its own invention', async () => {
    const api = await startApi()
    const missing = await get(api, '/sensors/press-9.oil')
    expect(missing.status).toBe(404)
    expect(missing.json).toMatchObject({
      code: 'NOT_FOUND',
      detail: 'There is no sensor press-9.oil',
      instance: '/api/v1/sensors/press-9.oil',
    })
    expect((await get(api, '/machines/nope')).status).toBe(404)
    expect((await get(api, '/sensors?cursor=%21%21')).json).toMatchObject({
      status: 400,
      errors: [{ path: 'query.cursor' }],
    })
  })

  it('names every wrong parameter at once', async () => {
    const api = await startApi()
    const answer = await get(api, '/sensors?limit=5000&machin=press-1')
    expect(answer.status).toBe(400)
    expect(answer.json.errors).toEqual(
      expect.arrayContaining([
        { path: 'query.limit', message: 'must be at most 1000' },
        { path: 'query.machin', message: 'is unknown here' },
      ]),
    )
  })
})
