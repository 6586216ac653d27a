// The check `anomaly` through the whole pipeline.

import { expect, it } from 'vitest'
import { Status, type StatusCode } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { gaussian, seededRandom } from '#kit/random.ts'
import { openTestBed } from './test-bed.ts'

it('learns from good readings only, raises once with a reason, and clears', async () => {
  const bed = openTestBed({ sensors: [{ description: 'Oil', checks: [{ type: 'anomaly' }] }], capacity: 16_384 })
  const random = seededRandom(21)
  const seen: string[] = []
  const read = async (value: number, status: StatusCode = Status.Good): Promise<void> => {
    await bed.clock.advance(60_000)
    bed.pipeline.sink.number(0, value, status, NO_TIME)
    seen.push(...bed.transitions())
  }
  for (let at = 0; at < 500; at++) {
    await read(50 + gaussian(random))
    // Were these learnt, 90 would be usual.
    if (at % 10 === 0) await read(90, Status.UncertainLastUsableValue)
  }
  expect(seen).toEqual([])
  await read(90)
  expect(seen).toEqual(['raised anomaly'])
  expect(bed.pipeline.alarms.list().map(({ message }) => message)).toEqual([
    expect.stringMatching(
      /^Oil 90 is (39|40)(\.\d)? above the (49|50)(\.\d)? usual of late; in 5\d{2} readings hardly/,
    ),
  ])
  for (let at = 0; at < 100; at++) await read(50 + gaussian(random))
  expect(seen).toEqual(['raised anomaly', 'cleared anomaly'])
})
