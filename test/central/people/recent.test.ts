import { expect, it, vi } from 'vitest'
import { Recent, TTL_MS } from '#central/people/recent.ts'
import { TelemetryError } from '#domain/errors.ts'
import { ManualClock } from '#kit/manual-clock.ts'

const HOUR_MS = 3_600_000
const away = () => Promise.reject(new TelemetryError('UNAVAILABLE', 'The database is away', { retryable: true }))

it('asks once in a while, and at once again for what is not there or was forgotten', async () => {
  const clock = new ManualClock()
  const recent = new Recent<string>(clock)
  const load = vi.fn<() => Promise<string | null>>(() => Promise.resolve('north'))
  await Promise.all([recent.get('key', load), recent.get('key', load)])
  await clock.advance(TTL_MS - 1)
  expect(await recent.get('key', load)).toBe('north')
  expect(load).toHaveBeenCalledTimes(1)
  await clock.advance(1)
  load.mockResolvedValue(null)
  expect(await recent.get('key', load)).toBeNull()
  expect(await recent.get('key', load)).toBeNull()
  expect(load).toHaveBeenCalledTimes(3)
  load.mockResolvedValue('north')
  await recent.get('key', load)
  recent.forget()
  await recent.get('key', load)
  expect(load).toHaveBeenCalledTimes(5)
})

it('believes what it knew for the grace, counted from the last answer, while something is away', async () => {
  const clock = new ManualClock()
  const recent = new Recent<string>(clock, HOUR_MS)
  expect(await recent.get('key', () => Promise.resolve('north'))).toBe('north')
  for (let past = 0; past + TTL_MS < HOUR_MS; past += TTL_MS) {
    await clock.advance(TTL_MS)
    expect(await recent.get('key', away)).toBe('north')
  }
  await clock.advance(TTL_MS)
  await expect(recent.get('key', away)).rejects.toThrow('away')
  await expect(recent.get('key', away)).rejects.toThrow('away')
})

it('believes nothing that it never knew, that is wrong, or without a grace', async () => {
  const clock = new ManualClock()
  const strict = new Recent<string>(clock)
  await strict.get('key', () => Promise.resolve('north'))
  const lenient = new Recent<string>(clock, HOUR_MS)
  await lenient.get('key', () => Promise.resolve('north'))
  await clock.advance(TTL_MS)
  await expect(strict.get('key', away)).rejects.toThrow('away')
  await expect(lenient.get('other', away)).rejects.toThrow('away')
  const refused = new TelemetryError('PERMISSION_DENIED', 'The tenant is suspended')
  await expect(lenient.get('key', () => Promise.reject(refused))).rejects.toBe(refused)
  await expect(lenient.get('key', away)).rejects.toThrow('away') // it has been refused since
})
