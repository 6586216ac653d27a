import { describe, expect, it, vi } from 'vitest'
import { MAX_PAST_ALARMS } from '#api/live/past.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { makeAlarm, makeModel, makeSensor } from '../fakes.ts'
import { openLive, SENSORS, startApi, type Fixture, type LiveMessages } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)

async function start(): Promise<Fixture & { clock: ManualClock }> {
  const clock = new ManualClock(NOON)
  const api = { ...(await startApi({ clock })), clock }
  api.latest.put(NOON, { 'press-1.oil-temperature': 40, 'press-1.setpoint': 1, 'mixer.strokes': 1n })
  return api
}

const hears = (live: LiveMessages, count: number): Promise<unknown> =>
  vi.waitFor(() => expect(live.messages.length).toBeGreaterThanOrEqual(count), EVENTUALLY)

/** The last position that a client heard; it then goes away. */
async function leave(live: LiveMessages): Promise<string> {
  await hears(live, 1)
  live.socket.terminate()
  return live.messages.findLast(({ type }) => type === 'readings').position
}

describe('a client that comes back to the live feed', () => {
  it('gets the latest value of what has changed meanwhile, once, and nothing else', async () => {
    const api = await start()
    const position = await leave(await openLive(api))
    for (const value of [2, 3, 4]) api.latest.put(NOON + value, { 'press-1.setpoint': value })
    const again = await openLive(api, `?since=${position}`)
    await hears(again, 1)
    expect(again.messages[0]).toMatchObject({ resumed: true, readings: [{ sensor: 'press-1.setpoint', value: 4 }] })
    expect(again.messages[0].readings).toHaveLength(1)
    expect(again.messages[0]).not.toHaveProperty('snapshot')
  })

  it('gets every alarm that has changed, also one that has left the register', async () => {
    const api = await start()
    api.alarms.put(makeAlarm('3-1', 'press-1.oil-temperature'))
    api.alarms.put(makeAlarm('3-2', 'mixer.strokes'))
    const position = await leave(await openLive(api))
    api.alarms.put(makeAlarm('3-2', 'mixer.strokes', { active: false, acknowledged: true }))
    const again = await openLive(api, `?since=${position}`)
    await hears(again, 2)
    const other = await openLive(api, `?since=${position}&sensors=press-1.*`)
    await hears(other, 1)
    expect(again.messages.slice(1)).toMatchObject([{ type: 'alarm', alarm: { id: '3-2', active: false } }])
    expect(other.messages.slice(1)).toEqual([])
  })

  it('misses nothing between a change and its message', async () => {
    const api = await start()
    const live = await openLive(api)
    await hears(live, 1)
    api.latest.put(NOON + 1, { 'press-1.setpoint': 2 })
    await hears(live, 2)
    // Gathered, but not sent yet: within the shortest time between two messages.
    api.latest.put(NOON + 2, { 'mixer.strokes': 2n })
    const again = await openLive(api, `?since=${await leave(live)}`)
    await hears(again, 1)
    expect(again.messages[0].readings).toMatchObject([{ sensor: 'mixer.strokes', value: 2 }])
  })

  it.each([
    ['another run of the gateway', async () => {}, (position: string) => `1${position}`],
    ['a position that was never given', async () => {}, (position: string) => `${position}000`],
    [
      'a configuration with other sensors',
      async (api: Fixture) => void (api.info.present = makeModel([...SENSORS, makeSensor(6, 'mixer.new')])),
      String,
    ],
    [
      'more alarms than are remembered',
      async (api: Fixture) => {
        for (let id = 0; id <= MAX_PAST_ALARMS; id++) api.alarms.put(makeAlarm(`9-${id}`, 'mixer.strokes'))
      },
      String,
    ],
  ])('begins anew, and is told so, after %s', async (_reason, change, edit) => {
    const api = await start()
    const position = await leave(await openLive(api))
    await change(api)
    const again = await openLive(api, `?since=${edit(position)}`)
    await hears(again, 1)
    expect(again.messages[0]).toMatchObject({ snapshot: true, resumed: false })
    expect(again.messages[0].readings).toHaveLength(3)
  })
})
