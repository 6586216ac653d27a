import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, isTelemetryError, TelemetryError, toTelemetryError } from '#domain/errors.ts'

const documented = [
  ...readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8').matchAll(/^\| `([A-Z_]+)` \|/gm),
]

describe('error codes', () => {
  it('are all documented, and no other', () => {
    expect(documented.map(([, code]) => code).toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted())
  })

  it('keep the cause when something foreign is translated, and pass our own unchanged', () => {
    const cause = new Error('ECONNRESET')
    const translated = toTelemetryError(cause, 'CONNECTION_LOST', { retryable: true })
    expect(translated).toMatchObject({ code: 'CONNECTION_LOST', retryable: true, cause })
    expect(toTelemetryError(translated)).toBe(translated)
    expect(isTelemetryError(translated, 'TIMEOUT')).toBe(false)
    expect(isTelemetryError(new TelemetryError('TIMEOUT', 'late'), 'TIMEOUT')).toBe(true)
  })
})
