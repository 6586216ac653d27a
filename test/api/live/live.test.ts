import { describe, expect, it, vi } from 'vitest'
import { Status } from '#domain/quality.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import {
  call,
  openLive,
  PASSWORD,
  seedAccounts,
  SENSORS,
  startApi,
  temporaryFolder,
  type Fixture,
  type LiveMessages,
} from '../fixture.ts'
import { makeAlarm, makeModel, makeSensor } from '../fakes.ts'

const NOON = Date.UTC(2026, 10, 20, 12)

async function start(): Promise<Fixture & { clock: ManualClock }> {
  const clock = new ManualClock(NOON)
  return { ...(await startApi({ clock })), clock }
}

const messages = (live: LiveMessages, count: number): Promise<unknown> =>
  vi.waitFor(() => expect(live.messages.length).toBeGreaterThanOrEqual(count), EVENTUALLY)

/** Resolves when everything that was sent before has arrived: a ping is answered in order. */
async function arrived(live: LiveMessages): Promise<void> {
  const pong = new Promise((resolve) => live.socket.once('pong', resolve))
  live.socket.ping()
  await pong
}

describe('the live feed', () => {
  it('begins with a snapshot of the latest values and the alarms of the register', async () => {
    const api = await start()
    api.latest.put(NOON, {
      'press-1.setpoint': 21.5,
      'mixer.strokes': 9_223_372_036_854_775_807n,
      'mixer.recipe': 'Rührteig "A"',
    })
    api.latest.put(NOON - 1, { 'press-1.running': null }, Status.BadTimeout)
    api.alarms.put(makeAlarm('3-1', 'press-1.oil-temperature'))
    const live = await openLive(api)
    await messages(live, 2)
    expect(live.messages[0]).toMatchObject({ type: 'readings', snapshot: true })
    expect(live.messages[0].readings).toEqual([
      {
        sensor: 'press-1.running',
        value: null,
        quality: 'bad',
        status: 'BadTimeout',
        time: '2026-11-20T11:59:59.999Z',
        receivedAt: '2026-11-20T11:59:59.999Z',
      },
      {
        sensor: 'press-1.setpoint',
        value: 21.5,
        quality: 'good',
        status: 'Good',
        time: '2026-11-20T12:00:00.000Z',
        receivedAt: '2026-11-20T12:00:00.000Z',
      },
      {
        sensor: 'mixer.strokes',
        value: '9223372036854775807',
        quality: 'good',
        status: 'Good',
        time: '2026-11-20T12:00:00.000Z',
        receivedAt: '2026-11-20T12:00:00.000Z',
      },
      {
        sensor: 'mixer.recipe',
        value: 'Rührteig "A"',
        quality: 'good',
        status: 'Good',
        time: '2026-11-20T12:00:00.000Z',
        receivedAt: '2026-11-20T12:00:00.000Z',
      },
    ])
    expect(live.messages[1]).toMatchObject({
      type: 'alarm',
      alarm: { id: '3-1', machine: 'press-1', unit: 'degC', active: true },
    })
  })

  it('sends the first change at once and those that follow within 50 ms together, the latest value of each', async () => {
    const api = await start()
    const live = await openLive(api)
    await messages(live, 1)
    api.latest.put(NOON, { 'press-1.setpoint': 1 })
    await messages(live, 2)
    for (const value of [2, 3, 4]) api.latest.put(NOON, { 'press-1.setpoint': value })
    api.latest.put(NOON, { 'press-1.running': true })
    await api.clock.advance(49)
    await arrived(live)
    expect(live.messages).toHaveLength(2)
    await api.clock.advance(1)
    await messages(live, 3)
    expect(live.messages[1]).not.toHaveProperty('snapshot')
    expect(
      live.messages[2].readings.map(({ sensor, value }: { sensor: string; value: unknown }) => [sensor, value]),
    ).toEqual([
      ['press-1.setpoint', 4],
      ['press-1.running', true],
    ])
    await api.clock.advance(60)
    api.latest.put(NOON, { 'press-1.setpoint': 5 })
    await messages(live, 4)
  })

  it('sends each client what it asked for, by ids and patterns', async () => {
    const api = await start()
    api.latest.put(NOON, { 'press-1.setpoint': 1, 'mixer.recipe': 'a' })
    const press = await openLive(api, '?sensors=press-1.*')
    const two = await openLive(api, '?sensors=mixer.recipe,press-1.running')
    await Promise.all([messages(press, 1), messages(two, 1)])
    api.latest.put(NOON, { 'press-1.setpoint': 2, 'press-1.running': false, 'mixer.recipe': 'b', 'mixer.strokes': 7n })
    api.alarms.put(makeAlarm('3-1', 'press-1.setpoint'))
    await Promise.all([messages(press, 3), messages(two, 2)])
    await arrived(two)
    expect([...press.values]).toEqual([
      ['press-1.setpoint', 2],
      ['press-1.running', false],
    ])
    expect([...two.values]).toEqual([
      ['mixer.recipe', 'b'],
      ['press-1.running', false],
    ])
    expect(press.messages.at(-1)).toMatchObject({ type: 'alarm', alarm: { id: '3-1' } })
    expect(two.messages.some(({ type }) => type === 'alarm')).toBe(false)
  })

  it('follows a reload of the model', async () => {
    const api = await start()
    const live = await openLive(api, '?sensors=new.*,press-1.*')
    await messages(live, 1)
    api.info.present = makeModel([...SENSORS.filter(({ id }) => id !== 'press-1.running'), makeSensor(40, 'new.level')])
    api.latest.put(NOON, { 'new.level': 3, 'press-1.setpoint': 4 })
    await messages(live, 2)
    expect([...live.values]).toEqual([
      ['new.level', 3],
      ['press-1.setpoint', 4],
    ])
  })

  it('refuses a filter of nonsense, an unknown parameter and a call without a WebSocket', async () => {
    const api = await start()
    await expect(openLive(api, '?sensors=a;b')).rejects.toThrow('refused with 400')
    await expect(openLive(api, '?sensor=a.b')).rejects.toThrow('refused with 400')
    expect(await call(api.url, '/api/v1/live')).toMatchObject({ status: 426, headers: { upgrade: 'websocket' } })
  })

  it('closes a client that talks too much', async () => {
    const api = await start()
    const live = await openLive(api)
    const closed = new Promise((resolve) => live.socket.on('close', resolve))
    live.socket.on('error', () => {})
    live.socket.send('x'.repeat(5000))
    expect(await closed).toBe(1009)
    expect((await call(api.url, '/healthz')).status).toBe(200)
  })

  it('forgets clients that have gone', async () => {
    const api = await start()
    const live = await openLive(api)
    expect((await call(api.url, '/metrics')).text).toContain('telemetryx_live_clients 1')
    live.socket.terminate()
    await vi.waitFor(
      async () => expect((await call(api.url, '/metrics')).text).toContain('telemetryx_live_clients 0'),
      EVENTUALLY,
    )
    api.latest.put(NOON, { 'press-1.setpoint': 1 })
  })
})

describe('the live feed with authentication', () => {
  it('ends at once for who logs out, is removed or whose token is revoked, and for nobody else', async () => {
    const dataDir = await temporaryFolder()
    const tokens = await seedAccounts(dataDir)
    const api = await startApi({ auth: 'required', dataDir, clock: new ManualClock(NOON) })
    const as = (role: 'viewer' | 'admin') => ({ authorization: `Bearer ${tokens[role]}` })
    const ask = (method: string, path: string, headers: Record<string, string>, body?: object) =>
      call(api.url, `/api/v1${path}`, { method, headers, ...(body && { body }) })
    const logIn = async (name: string) => {
      const answer = await ask('POST', '/session', {}, { name, password: PASSWORD })
      return { cookie: answer.headers['set-cookie']![0]!.split(';', 1)[0]! }
    }
    const open = async (headers: Record<string, string>) => {
      const { socket } = await openLive(api, '', { headers })
      return { socket, closed: new Promise((resolve) => socket.on('close', resolve)) }
    }
    await ask('POST', '/users', as('admin'), { name: 'jo', password: PASSWORD, role: 'viewer' })
    const [own, jo] = [await logIn('admin'), await logIn('jo')]
    const stays = await open(as('admin'))
    const [ownLive, joLive, program] = [await open(own), await open(jo), await open(as('viewer'))]
    await ask('DELETE', '/session', own)
    expect(await ownLive.closed).toBe(1008)
    await ask('DELETE', '/users/jo', as('admin'))
    expect(await joLive.closed).toBe(1008)
    const { items } = (await ask('GET', '/tokens', as('admin'))).json
    const { id } = items.find(({ name }: { name: string }) => name === 'viewer')
    expect(program.socket.readyState).toBe(program.socket.OPEN)
    await ask('DELETE', `/tokens/${id}`, as('admin'))
    expect(await program.closed).toBe(1008)
    expect(stays.socket.readyState).toBe(stays.socket.OPEN)
  })

  it('needs a session or token, and ends within seconds of it', async () => {
    const dataDir = await temporaryFolder()
    const tokens = await seedAccounts(dataDir)
    const clock = new ManualClock(NOON)
    const api = await startApi({ auth: 'required', dataDir, clock })
    await expect(openLive(api)).rejects.toThrow('refused with 401')
    await expect(openLive(api, '', { headers: { authorization: `Bearer ${tokens.viewer}` } })).resolves.toBeDefined()

    const login = await call(api.url, '/api/v1/session', {
      method: 'POST',
      body: { name: 'admin', password: PASSWORD },
    })
    const cookie = login.headers['set-cookie']![0]!.split(';', 1)[0]!
    const live = await openLive(api, '', { headers: { cookie } })
    const closed = new Promise((resolve) => live.socket.on('close', resolve))
    await clock.advance(10_000)
    expect(live.socket.readyState).toBe(live.socket.OPEN)
    await call(api.url, '/api/v1/session', { method: 'DELETE', headers: { cookie } })
    await clock.advance(10_000)
    expect(await closed).toBe(1008)
  })
})
