import { describe, expect, it } from 'vitest'
import { GatewayApi } from '../../../src/ui/client/gateway-api.ts'
import { ApiError, type HttpClient } from '../../../src/ui/client/http.ts'
import type { Socket } from '../../../src/ui/client/live-socket.ts'
import { Feed } from '../../../src/ui/state/feed.ts'
import { Plant } from '../../../src/ui/state/plant.ts'
import { makeAlarm, makeSensor } from './make.ts'

const T0 = Date.UTC(2026, 0, 1)
const iso = (time: number): string => new Date(time).toISOString()

class FakeSocket implements Socket {
  onopen: Socket['onopen'] = null
  onclose: Socket['onclose'] = null
  onmessage: Socket['onmessage'] = null
  close(): void {}
}

/** A gateway of one press in JSON, and a page before it whose frames and timers the test turns. */
function setUp() {
  const answers: Record<string, unknown> = {
    '/session': { auth: 'none', setup: false, user: { name: 'local', role: 'admin' } },
    '/machines': { items: [{ id: 'press', name: 'Press', factory: 'f', sensors: 1 }], next: null },
    '/sensors': { items: [makeSensor('press.oil', { description: 'Oil' })], next: null },
    '/gateway': {
      id: 'edge',
      version: '1',
      epoch: 1,
      startedAt: iso(T0),
      health: { status: 'ok', reasons: [] },
      clock: { time: iso(T0 + 60_000) },
      store: { state: 'ok', bytes: 1, writtenBytes: 2, durableRecords: 3, reason: null },
    },
    '/devices': { items: [], next: null },
    '/uplinks': { items: [], next: null },
    '/alarms': { items: [], next: null },
  }
  let failure: ApiError | null = null
  const asked: string[] = []
  const http: HttpClient = {
    download: () => Promise.reject(new Error('not asked for')),
    lines: () => Promise.reject(new Error('not asked for')),
    request: async (path) => {
      const name = path.split('?')[0]!
      asked.push(name)
      if (failure !== null) throw failure
      return structuredClone(answers[name])
    },
  }
  const frames: (() => void)[] = []
  const timers: { delayMs: number; run: () => void }[] = []
  const sockets: FakeSocket[] = []
  const backs: number[] = []
  const checks: string[] = []
  const plant = new Plant(T0)
  const feed = new Feed({
    plant,
    api: new GatewayApi(http),
    onBack: (sensors) => backs.push(sensors.length),
    openSocket: () => {
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket
    },
    onNextFrame: (callback) => frames.push(callback),
    after: (delayMs, run) => {
      timers.push({ delayMs, run })
      return () => undefined
    },
    checkPage: async () => {
      checks.push(plant.loading.peek().state)
      return false
    },
    now: () => T0,
    random: () => 1,
  })
  return {
    plant,
    feed,
    answers,
    asked,
    frames,
    timers,
    sockets,
    backs,
    checks,
    runTimer: (delayMs: number) =>
      timers
        .splice(
          timers.findIndex((timer) => timer.delayMs === delayMs),
          1,
        )[0]!
        .run(),
    fail: (error: ApiError | null) => (failure = error),
    say: (message: object) =>
      sockets.at(-1)!.onmessage?.(new MessageEvent('message', { data: JSON.stringify(message) })),
    open: () => sockets.at(-1)!.onopen?.(new Event('open')),
    drop: () => sockets.at(-1)!.onclose?.(new CloseEvent('close')),
    drawFrame: () => frames.splice(0).forEach((frame) => frame()),
  }
}

const reading = (value: number, time: number) => ({
  sensor: 'press.oil',
  value,
  quality: 'good',
  status: 'Good',
  time: iso(time),
  receivedAt: iso(time),
})
const wireAlarm = (id: string, more: Parameters<typeof makeAlarm>[2] = {}) => {
  const alarm = makeAlarm(id, 'press.oil', { machine: 'press', ...more })
  return { ...alarm, raisedAt: iso(alarm.raisedAt), clearedAt: null }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

describe('the feed', () => {
  it('loads the model and the state, then connects', async () => {
    const page = setUp()
    await page.feed.start()
    expect(page.plant.loading.value.state).toBe('ready')
    expect(page.plant.machines.value.map(({ machine }) => machine.name)).toEqual(['Press'])
    expect(page.sockets).toHaveLength(1)
    expect(page.plant.isConnected.value).toBe(false)
    page.open()
    expect(page.plant.isConnected.value).toBe(true)
    expect(page.plant.clockOffsetMs.value).toBe(60_000)
  })

  it('shows many readings of one sensor as one change for each frame, and keeps all of them for the sparkline', async () => {
    const page = setUp()
    await page.feed.start()
    const live = page.plant.sensor('press.oil')!
    let changes = -1
    live.latest.subscribe(() => (changes += 1))
    for (let index = 1; index <= 5; index++) page.say({ type: 'readings', readings: [reading(index, T0 + index)] })
    expect([changes, page.frames.length]).toEqual([0, 1])
    page.drawFrame()
    expect([changes, live.latest.value.value, live.series.length]).toEqual([1, 5, 5])
  })

  it('never lets an older reading replace a newer one', async () => {
    const page = setUp()
    await page.feed.start()
    page.say({ type: 'readings', readings: [reading(2, T0 + 2)] })
    page.say({ type: 'readings', snapshot: true, readings: [reading(1, T0 + 1)] })
    page.drawFrame()
    expect(page.plant.sensor('press.oil')!.latest.value.value).toBe(2)
  })

  it('marks every value stale while the connection is down, and leaves a gap in the sparkline', async () => {
    const page = setUp()
    await page.feed.start()
    page.open()
    page.say({ type: 'readings', readings: [reading(2, T0 + 2)] })
    page.drawFrame()
    const live = page.plant.sensor('press.oil')!
    expect(live.condition.value).toBe('normal')
    page.drop()
    expect(live.condition.value).toBe('stale')
    expect(live.series.valueAt(live.series.length - 1)).toBeNaN()
    expect(page.plant.announcement.value).toContain('not live')
  })

  it('takes the list after a reconnect for the whole truth, but a change that came meanwhile for newer', async () => {
    const page = setUp()
    await page.feed.start()
    page.plant.putAlarm(makeAlarm('1-1', 'press.oil'))
    page.answers['/alarms'] = { items: [wireAlarm('1-2')], next: null }
    page.open()
    page.say({ type: 'alarm', alarm: wireAlarm('1-2', { acknowledged: true }) })
    await settled()
    expect([...page.plant.alarms.value.keys()]).toEqual(['1-2'])
    expect(page.plant.alarms.value.get('1-2')!.acknowledged).toBe(true)
  })

  it('loses no alarm of an outage: what was raised, and what was over again, comes with the resumed feed', async () => {
    const page = setUp()
    await page.feed.start()
    page.open()
    page.say({ type: 'readings', snapshot: true, position: '1-4', readings: [reading(2, T0 + 2)] })
    page.say({ type: 'alarm', alarm: wireAlarm('1-1') })
    await settled()
    page.drop()
    page.runTimer(500)
    page.open()
    const asked = page.asked.length
    page.say({ type: 'readings', resumed: true, position: '1-9', readings: [reading(3, T0 + 3)] })
    const over = { active: false, acknowledged: true }
    page.say({ type: 'alarm', alarm: { ...wireAlarm('1-1', over), clearedAt: iso(T0 + 9) } })
    page.say({ type: 'alarm', alarm: { ...wireAlarm('1-2', over), clearedAt: iso(T0 + 8) } })
    page.say({ type: 'alarm', alarm: wireAlarm('1-3') })
    await settled()
    expect(page.asked.slice(asked)).not.toContain('/alarms') // the feed has told all
    expect([...page.plant.alarms.value.keys()]).toEqual(['1-3'])
    expect(page.plant.ended.value.map(({ id }) => id)).toEqual(['1-2', '1-1'])
    expect(page.plant.announcement.value).toContain('New alarm')
    page.runTimer(2500)
    expect(page.backs).toEqual([1])
    expect(page.plant.sensor('press.oil')!.gapFrom).toBe(T0 + 3)
  })

  it('takes the list of alarms anew when the gateway cannot tell what was missed', async () => {
    const page = setUp()
    await page.feed.start()
    page.open()
    page.say({ type: 'readings', snapshot: true, position: '1-4', readings: [] })
    page.say({ type: 'alarm', alarm: wireAlarm('1-1') })
    await settled()
    page.drop()
    page.runTimer(500)
    page.answers['/alarms'] = { items: [wireAlarm('2-1')], next: null }
    page.open()
    page.say({ type: 'readings', snapshot: true, resumed: false, position: '2-7', readings: [reading(3, T0 + 3)] })
    await settled()
    expect([...page.plant.alarms.value.keys()]).toEqual(['2-1'])
  })

  it('announces new alarms by place and priority, not those that were there before', async () => {
    const page = setUp()
    await page.feed.start()
    page.open()
    page.say({ type: 'alarm', alarm: wireAlarm('1-1') })
    await settled()
    expect(page.plant.announcement.value).toBe('')
    page.say({ type: 'alarm', alarm: wireAlarm('1-2', { severity: 'urgent', message: 'Too hot.' }) })
    expect(page.plant.announcement.value).toBe('New alarm, priority urgent: Press, Oil. Too hot.')
  })

  it('notices by its polls that a gateway is silent although the connection seems open', async () => {
    const page = setUp()
    await page.feed.start()
    page.open()
    await settled()
    page.fail(new ApiError(0, 'OFFLINE', 'The gateway does not answer.'))
    page.timers.find(({ delayMs }) => delayMs === 5000)!.run()
    await settled()
    expect(page.plant.isConnected.value).toBe(false)
    expect(page.plant.live.value).toBe('reconnecting')
  })

  it('says why it cannot start, and tries again', async () => {
    const page = setUp()
    page.fail(new ApiError(0, 'OFFLINE', 'The gateway does not answer.'))
    await page.feed.start()
    expect(page.plant.loading.value).toEqual({ state: 'failed', message: 'The gateway does not answer.' })
    page.fail(null)
    page.timers[0]!.run()
    await expect.poll(() => page.plant.loading.value.state).toBe('ready')
  })

  it('asks for nothing but the session before someone has signed in', async () => {
    const page = setUp()
    page.answers['/session'] = { auth: 'required', setup: false, user: null }
    await page.feed.start()
    expect(page.asked).toEqual(['/session'])
    expect(page.sockets).toHaveLength(0)
  })

  it('loads the model anew when the gateway was started anew', async () => {
    const page = setUp()
    await page.feed.start()
    page.answers['/sensors'] = {
      items: [makeSensor('press.oil', { description: 'Oil' }), makeSensor('press.flow')],
      next: null,
    }
    page.answers['/gateway'] = { ...(page.answers['/gateway'] as object), epoch: 2 }
    const before = page.plant.sensor('press.oil')
    page.timers.find(({ delayMs }) => delayMs === 5000)!.run()
    await settled()
    expect([...page.plant.sensors.value.keys()]).toEqual(['press.oil', 'press.flow'])
    expect(page.plant.sensor('press.oil')).toBe(before)
    // The new start may be one of another version.
    expect(page.checks).toEqual(['ready'])
  })

  it('asks whether it is older than the gateway when it cannot read the first answers, and tries again', async () => {
    const page = setUp()
    page.answers['/devices'] = { items: [{ id: 7 }], next: null }
    await page.feed.start()
    expect(page.checks).toEqual(['loading'])
    expect(page.plant.loading.value).toEqual({
      state: 'unreadable',
      message: expect.stringContaining('This page does not understand the answer (device.id is not text)'),
    })
    page.answers['/devices'] = { items: [], next: null }
    page.timers.at(-1)!.run()
    await settled()
    expect(page.plant.loading.value).toEqual({ state: 'ready' })
  })

  it('asks the same when a later answer cannot be read, and goes on with what it has', async () => {
    const page = setUp()
    await page.feed.start()
    page.answers['/uplinks'] = { items: [{ id: 7 }], next: null }
    page.timers.find(({ delayMs }) => delayMs === 5000)!.run()
    await settled()
    expect(page.checks).toEqual(['ready'])
    expect(page.plant.loading.value).toEqual({ state: 'ready' })
  })

  it('stops with a reason when the gateway says something that it does not understand', async () => {
    const page = setUp()
    await page.feed.start()
    page.open()
    page.say({ type: 'readings', readings: [{ ...reading(1, T0), quality: 'splendid' }] })
    expect(page.plant.loading.value).toEqual({
      state: 'unreadable',
      message: expect.stringContaining('It may be older than what answers: reload it.'),
    })
    expect(page.checks).toEqual(['ready'])
  })
})
