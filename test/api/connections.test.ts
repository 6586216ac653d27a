// The limits on connections and live feeds, for all and for one address.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { AddressCount } from '#api/connections.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { call, openLive, startApi, temporaryFolder, type Fixture } from './fixture.ts'

/** A connection that has been answered once; rejects when it is closed instead. */
async function connection(api: Fixture, from = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: Number(new URL(api.url).port), host: '127.0.0.1', localAddress: from })
  onTestFinished(() => void socket.destroy())
  const closed = once(socket, 'close').then(() => Promise.reject(new Error('closed')))
  socket.on('error', () => {})
  const answered = once(socket, 'data')
  socket.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
  await Promise.race([answered, closed])
  closed.catch(() => {})
  return socket
}

describe('connections', () => {
  it('of one address beyond its limit are closed at once, while others are served', async () => {
    const api = await startApi({ limits: { addressConnections: 2 } })
    const first = await connection(api)
    await connection(api)
    await expect(connection(api)).rejects.toThrow('closed')
    await connection(api, '127.0.0.2')
    first.destroy()
    await vi.waitFor(() => connection(api), EVENTUALLY)
  })

  it('beyond the limit for all are closed, whoever comes', async () => {
    const api = await startApi({ limits: { connections: 2 } })
    await connection(api)
    await connection(api, '127.0.0.2')
    await expect(connection(api, '127.0.0.3')).rejects.toThrow('closed')
  })

  it('are limited with TLS too', async () => {
    const dataDir = await temporaryFolder()
    const api = await startApi({ dataDir, tls: 'selfSigned', limits: { addressConnections: 1 } })
    const open = (): Socket => {
      const socket = connect({ port: Number(new URL(api.url).port), host: '127.0.0.1' })
      onTestFinished(() => void socket.destroy())
      return socket.on('error', () => {})
    }
    const first = open()
    await once(first, 'connect')
    await vi.waitFor(async () => {
      const second = open()
      await once(second, 'close', { signal: AbortSignal.timeout(1000) })
    }, EVENTUALLY)
    expect(first.destroyed).toBe(false)
  })

  it('count a household of IPv6 as one', () => {
    const count = new AddressCount(1)
    expect([count.enter('2001:db8::1'), count.enter('2001:db8::2'), count.enter('2001:db8:0:1::1')]).toEqual([
      true,
      false,
      true,
    ])
    count.leave('2001:db8::1')
    expect(count.enter('2001:db8::2')).toBe(true)
  })
})

describe('live feeds', () => {
  it('of one address are limited, and those of all', async () => {
    const api = await startApi({ limits: { liveClients: 3, addressLiveClients: 2 } })
    const first = await openLive(api)
    await openLive(api)
    await expect(openLive(api)).rejects.toThrow('refused with 503')
    await openLive(api, '', { localAddress: '127.0.0.2' })
    await expect(openLive(api, '', { localAddress: '127.0.0.3' })).rejects.toThrow('refused with 503')
    first.socket.terminate()
    await vi.waitFor(() => openLive(api), EVENTUALLY)
  })

  it('say which of the sensors that they ask for there are not', async () => {
    const api = await startApi()
    const live = await openLive(api, '?sensors=press-1.running,press-1.runing,mixer.*,nope.*')
    await vi.waitFor(
      () => expect(live.messages[0]).toMatchObject({ type: 'readings', unknown: ['nope.*', 'press-1.runing'] }),
      EVENTUALLY,
    )
    const all = await openLive(api, '?sensors=press-1.*')
    await vi.waitFor(() => expect(all.messages[0]).not.toHaveProperty('unknown'), EVENTUALLY)
  })
})

describe('bodies', () => {
  it('are as large as the limit says', async () => {
    const api = await startApi({ limits: { maxBodyBytes: 20_000 } })
    const send = (bytes: number) =>
      call(api.url, '/api/v1/sensors/press-1.setpoint/value', { method: 'PUT', body: { value: 'x'.repeat(bytes) } })
    expect((await send(30_000)).status).toBe(413)
    expect((await send(100)).status).toBe(400)
  })
})

describe('query parameters that a route does not know', () => {
  it.each(['/gateway?verbose=1', '/sensors/press-1.running/latest?at=now', '/devices/press-1?x=', '/session?a=b'])(
    'are refused: %s',
    async (path) => {
      const api = await startApi()
      const answer = await call(api.url, `/api/v1${path}`)
      expect([answer.status, answer.json.detail]).toEqual([400, expect.stringMatching(/^query\.\w+ is unknown here$/)])
    },
  )
})
