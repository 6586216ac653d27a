import { get as httpGet } from 'node:http'
import { createServer } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { call, openLive, prepareApi, startApi } from './fixture.ts'

const soon = (): AbortSignal => AbortSignal.timeout(5000)

describe('the API as a component', () => {
  it('takes a free port for 0 and says where it is', async () => {
    const api = await prepareApi()
    expect(api.api.url).toBe('')
    await api.api.start(soon())
    expect(api.api.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await call(api.api.url, '/healthz')).status).toBe(200)
  })

  it('names the port that is in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const api = await prepareApi({ port })
    await expect(api.api.start(soon())).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(port)),
    })
    await api.api.stop(soon())
    other.close()
  })

  it('names an address that is not of this machine', async () => {
    const api = await prepareApi({ host: '192.0.2.1' })
    await expect(api.api.start(soon())).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('192.0.2.1'),
    })
  })

  it('lets requests under way finish, says goodbye to live clients, and no longer listens', async () => {
    const api = await startApi()
    let release = (): void => {}
    api.history.hold = new Promise((resolve) => {
      release = resolve
    })
    const slow = call(api.url, '/api/v1/sensors/press-1.setpoint/stats')
    await vi.waitFor(() => expect(api.history.signals).toHaveLength(1), EVENTUALLY)
    const live = await openLive(api)
    const closed = new Promise((resolve) => live.socket.on('close', (code) => resolve(code)))
    const stopped = api.api.stop(soon())
    expect(await closed).toBe(1001)
    await expect(call(api.url, '/healthz')).rejects.toThrow()
    release()
    expect((await slow).status).toBe(200)
    await stopped
    await api.api.stop(soon())
    expect(api.latest.listeners + api.alarms.listeners).toBe(0)
  })

  it('cuts off what is still under way when its signal aborts', async () => {
    const api = await startApi()
    api.history.hold = new Promise(() => {})
    const cut = new Promise((resolve) =>
      httpGet(`${api.url}/api/v1/sensors/press-1.setpoint/stats`).on('error', resolve),
    )
    await vi.waitFor(() => expect(api.history.signals).toHaveLength(1), EVENTUALLY)
    const live = await openLive(api)
    live.socket.pause()
    const stop = new AbortController()
    const stopped = api.api.stop(stop.signal)
    stop.abort()
    await stopped
    expect(await cut).toMatchObject({ code: 'ECONNRESET' })
  })

  it('stops at once beside an idle keep-alive connection', async () => {
    const api = await startApi()
    await (await fetch(`${api.url}/healthz`)).text()
    const started = performance.now()
    await api.api.stop(soon())
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
