import { describe, expect, it } from 'vitest'
import { TelemetryError } from '#domain/errors.ts'
import { call, send, startApi, type Answer, type Fixture } from '../fixture.ts'

const put = (api: Fixture, sensor: string, value: unknown): Promise<Answer> =>
  send(api, 'PUT', `/sensors/${sensor}/value`, { value })

describe('writing a value', () => {
  it('answers what was read back, beside what was asked for', async () => {
    const api = await startApi()
    api.devices.readBack = () => 49.9
    const answer = await put(api, 'press-1.setpoint', 50)
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({
      sensor: 'press-1.setpoint',
      value: 49.9,
      requested: 50,
      unit: 'bar',
      time: expect.stringMatching(/Z$/),
    })
    expect(api.devices.written).toEqual([{ sensor: 2, value: 50, origin: { by: 'local', from: 'api 127.0.0.1' } }])
  })

  it('takes 64-bit integers exactly, from numbers and from strings', async () => {
    const api = await startApi()
    expect((await put(api, 'mixer.strokes', '-9223372036854775808')).json.value).toBe('-9223372036854775808')
    expect((await put(api, 'mixer.strokes', 12)).json.value).toBe(12)
    expect((await put(api, 'mixer.total', '18446744073709551615')).json.value).toBe('18446744073709551615')
    expect(api.devices.written.map(({ value }) => value)).toEqual([-(2n ** 63n), 12n, 2n ** 64n - 1n])
  })

  it('refuses a JSON integer that the parser has rounded already', async () => {
    const api = await startApi()
    const answer = await call(api.url, '/api/v1/sensors/mixer.strokes/value', {
      method: 'PUT',
      body: '{"value":9007199254740993}',
    })
    expect(answer.json).toMatchObject({ status: 400, errors: [{ message: expect.stringContaining('as a string') }] })
    expect(api.devices.written).toEqual([])
  })

  it.each([
    ['press-1.setpoint', '50', 400],
    ['press-1.setpoint', true, 400],
    ['press-1.running', 1, 400],
    ['press-1.running', 'true', 400],
    ['mixer.strokes', 1.5, 400],
    ['mixer.strokes', '0x10', 400],
    ['mixer.strokes', '9223372036854775808', 422],
    ['mixer.total', -1, 422],
    ['mixer.recipe', 7, 400],
    ['mixer.recipe', 'ü'.repeat(2049), 400],
    ['press-1.setpoint', null, 400],
    ['press-1.setpoint', { $gt: 1 }, 400],
    ['press-1.oil-temperature', 20, 409],
    ['press-1.nothing', 20, 404],
  ])('does not write %s ← %j', async (sensor, value, status) => {
    const api = await startApi()
    expect((await put(api, sensor, value)).status).toBe(status)
    expect(api.devices.written).toEqual([])
  })

  it('passes on what the device says', async () => {
    const api = await startApi()
    api.devices.readBack = () => {
      throw new TelemetryError('DEVICE_EXCEPTION', 'press-1 answered with exception 3, illegal data value')
    }
    expect((await put(api, 'press-1.setpoint', 50)).json).toMatchObject({
      status: 502,
      code: 'DEVICE_EXCEPTION',
      detail: expect.stringContaining('exception 3'),
    })
  })
})
