import { describe, expect, it } from 'vitest'
import { decodeLatest, decodeUplink } from '../../../src/ui/client/decode.ts'
import { GatewayApi } from '../../../src/ui/client/gateway-api.ts'
import { ApiError, createHttpClient } from '../../../src/ui/client/http.ts'

function client(answer: (path: string) => Response | Promise<Response>) {
  const paths: string[] = []
  let unauthenticated = 0
  const http = createHttpClient(
    async (path) => {
      paths.push(path)
      return answer(path)
    },
    () => (unauthenticated += 1),
  )
  return { http, paths, unauthenticated: () => unauthenticated }
}

const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status })

describe('requests', () => {
  it('gives a problem document as an error with its code and detail', async () => {
    const { http } = client(() =>
      json({ title: 'Not Found', detail: 'There is no sensor a.b', code: 'NOT_FOUND' }, 404),
    )
    await expect(http.request('/sensors/a.b')).rejects.toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
      message: 'There is no sensor a.b',
    })
  })

  it('says in words when nothing answers', async () => {
    const { http } = client(() => Promise.reject(new TypeError('fetch failed')))
    await expect(http.request('/gateway')).rejects.toMatchObject({
      status: 0,
      code: 'OFFLINE',
      message: 'The gateway does not answer.',
    })
  })

  it('asks for a login after a 401, but not when the login itself was refused', async () => {
    const { http, unauthenticated } = client(() => json({ detail: 'Name or password is wrong' }, 401))
    await expect(http.request('/gateway')).rejects.toBeInstanceOf(ApiError)
    expect(unauthenticated()).toBe(1)
    await expect(http.request('/session', { method: 'POST', body: {} })).rejects.toBeInstanceOf(ApiError)
    expect(unauthenticated()).toBe(1)
  })

  it('passes the cancellation of its caller on as it is', async () => {
    const { http } = client(() => Promise.reject(new DOMException('stopped', 'AbortError')))
    await expect(http.request('/gateway', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  it('takes an answer that is no JSON for an error, not for data', async () => {
    const { http } = client(() => new Response('<html>'))
    await expect(http.request('/gateway')).rejects.toMatchObject({ code: 'UNREADABLE' })
  })

  it('follows the pages of a list to its end', async () => {
    const machine = (id: string) => ({ id, name: id, factory: 'f', sensors: 1 })
    const { http, paths } = client((path) =>
      path.includes('cursor=2%2F')
        ? json({ items: [machine('b')], next: null })
        : json({ items: [machine('a')], next: '2/' }),
    )
    expect((await new GatewayApi(http).machines()).map(({ id }) => id)).toEqual(['a', 'b'])
    expect(paths).toEqual(['/api/v1/machines?limit=1000', '/api/v1/machines?limit=1000&cursor=2%2F'])
  })
})

describe('answers', () => {
  it('names the field that is not as expected', () => {
    expect(() => decodeLatest({ sensor: 'a.b', value: 1, quality: 'fine', status: 'Good' })).toThrow(
      'latest.quality is not good | uncertain | bad',
    )
    expect(() => decodeLatest({ sensor: 'a.b', value: {}, quality: 'good', status: 'Good' })).toThrow('latest.value')
    expect(() => decodeUplink([])).toThrow('uplink is no object')
  })

  it('overlooks fields that a newer gateway adds', () => {
    expect(
      decodeLatest({
        sensor: 'a.b',
        value: null,
        quality: 'bad',
        status: 'Bad',
        time: null,
        receivedAt: null,
        mood: 'new',
      }),
    ).toEqual({
      sensor: 'a.b',
      value: null,
      quality: 'bad',
      status: 'Bad',
      time: null,
      receivedAt: null,
    })
  })
})
