// How many exports are made at once, whatever became of those before.

import { expect, it } from 'vitest'
import { TelemetryError } from '#domain/errors.ts'
import type { SensorExport } from '#domain/exports.ts'
import { ProcessExports } from '#gateway/exports.ts'

const REQUEST: SensorExport = { sensor: 'd.a', from: 0, to: 1, everyMs: null, format: 'csv', unit: '' }

it('does not count an export that never began because the store could not write', async () => {
  const exports = new ProcessExports({
    dataDir: '/nowhere',
    flush: () => Promise.reject(new TelemetryError('STORE_IO', 'The disk refuses')),
  })
  for (let asked = 0; asked < 5; asked++) {
    await expect(exports.open(REQUEST, new AbortController().signal)).rejects.toMatchObject({ code: 'STORE_IO' })
  }
})

it('does not count one whose caller has gone before it began', async () => {
  const exports = new ProcessExports({ dataDir: '/nowhere', flush: () => Promise.resolve() })
  for (let asked = 0; asked < 5; asked++) {
    await expect(exports.open(REQUEST, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
  }
})
