import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { openTestBed, testModel, testSensor } from './test-bed.ts'

const { Good } = Status

function listen(bed: ReturnType<typeof openTestBed>): number[][] {
  const calls: number[][] = []
  bed.pipeline.latest.subscribe((changed, count) => void calls.push([...changed.subarray(0, count)]))
  return calls
}

describe('latest values', () => {
  it('are null before the first reading', () => {
    const { pipeline } = openTestBed({ sensors: [{}] })
    expect(pipeline.latest.read(0)).toBeNull()
    expect(pipeline.latest.read(99)).toBeNull()
  })

  it('announce each changed sensor once, in the turn after the readings', async () => {
    const bed = openTestBed({ sensors: [{}, {}, {}] })
    const calls = listen(bed)
    for (const sensor of [2, 0, 2, 2, 0]) bed.pipeline.sink.number(sensor, 1, Good, NO_TIME)
    expect(calls).toEqual([])
    await nextTurn()
    expect(calls).toEqual([[2, 0]])
    bed.pipeline.sink.bad(1, Status.BadTimeout, NO_TIME)
    await nextTurn()
    await nextTurn()
    expect(calls).toEqual([[2, 0], [1]])
  })

  it('announce what the deadband holds back as well', async () => {
    const bed = openTestBed({ sensors: [{ deadband: { absolute: 100, maxIntervalMs: null } }] })
    bed.pipeline.sink.number(0, 1, Good, NO_TIME)
    const calls = listen(bed)
    bed.pipeline.sink.number(0, 2, Good, NO_TIME)
    await nextTurn()
    expect(calls).toEqual([[0]])
    expect(bed.pipeline.latest.read(0)!.value).toBe(2)
  })

  it('survive a listener that fails, and one that gives a new reading', async () => {
    const bed = openTestBed({ sensors: [{}, {}] })
    bed.pipeline.latest.subscribe((changed) => {
      if (changed[0] === 0) bed.pipeline.sink.number(1, 1, Good, NO_TIME)
      throw new Error('a listener that fails')
    })
    const calls = listen(bed)
    bed.pipeline.sink.number(0, 1, Good, NO_TIME)
    await nextTurn()
    await nextTurn()
    expect(calls).toEqual([[0], [1]])
  })

  it('say nothing more to those who have left, nor after the close', async () => {
    const bed = openTestBed({ sensors: [{}] })
    let calls = 0
    const leave = bed.pipeline.latest.subscribe(() => void (calls += 1))
    bed.pipeline.sink.number(0, 1, Good, NO_TIME)
    leave()
    await nextTurn()
    bed.pipeline.latest.subscribe(() => void (calls += 1))
    bed.pipeline.sink.number(0, 1, Good, NO_TIME)
    bed.pipeline.close()
    await nextTurn()
    expect(calls).toBe(0)
  })

  it('announce changes that a reload comes between, as far as the sensors remain', async () => {
    const bed = openTestBed({ sensors: [{}, {}, {}] })
    const calls = listen(bed)
    for (const sensor of [0, 1, 2]) bed.pipeline.sink.number(sensor, 1, Good, NO_TIME)
    bed.pipeline.replaceModel(testModel([testSensor({}, 0), testSensor({}, 1)]))
    bed.pipeline.sink.number(1, 2, Good, NO_TIME)
    await nextTurn()
    expect(calls).toEqual([[0, 1]])
  })
})
