import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findAreas, type AreaSearch, type FoundAreas } from '#drivers/modbus/find-areas.ts'

/** A device with these addresses that answers at most `longest` at once. */
function search(readable: ReadonlySet<number>, options: AreaSearch, longest = 125): FoundAreas & { asked: number } {
  const steps = findAreas(options)
  let asked = 0
  let step = steps.next('failed')
  while (step.done !== true) {
    const { address, width } = step.value
    if (address < options.from || address + width - 1 > options.to || width < 1 || width > options.block)
      throw new Error(`asked for ${address}+${width}`)
    asked += 1
    const isAnswered =
      width <= longest && Array.from({ length: width }, (_, index) => address + index).every((at) => readable.has(at))
    step = steps.next(isAnswered ? 'answered' : 'refused')
  }
  return { ...step.value, asked }
}

const addressesOf = ({ areas }: FoundAreas): number[] =>
  areas.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index))

const sets = fc
  .array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 60 })), { maxLength: 6 })
  .map((spans) => new Set(spans.flatMap(([from, width]) => Array.from({ length: width }, (_, index) => from + index))))

describe('the search for areas', () => {
  it('finds exactly what can be read when every address is tried', () => {
    fc.assert(
      fc.property(
        sets,
        fc.integer({ min: 1, max: 125 }),
        fc.integer({ min: 1, max: 125 }),
        (readable, block, longest) => {
          const found = search(readable, { from: 0, to: 400, block, step: 1 }, longest)
          expect(addressesOf(found)).toEqual([...readable].toSorted((a, b) => a - b))
        },
      ),
    )
  })

  it('never tells of an address that cannot be read, and finds every area that is as long as its step', () => {
    fc.assert(
      fc.property(sets, fc.integer({ min: 1, max: 125 }), fc.integer({ min: 1, max: 40 }), (readable, block, step) => {
        const found = new Set(addressesOf(search(readable, { from: 0, to: 400, block, step })))
        for (const address of found) expect(readable.has(address)).toBe(true)
        for (const address of readable)
          if (address % step === 0) expect([address, found.has(address)]).toEqual([address, true])
      }),
    )
  })

  it('asks little: an empty table of 1000 costs 110 requests, a full one 10', () => {
    const options = { from: 0, to: 999, block: 100, step: 10 }
    expect(search(new Set(), options).asked).toBeLessThanOrEqual(110)
    expect(search(new Set(Array.from({ length: 1000 }, (_, at) => at)), options).asked).toBe(10)
    const island = search(new Set(Array.from({ length: 55 }, (_, at) => at + 437)), options)
    expect([island.areas, island.asked < 140]).toEqual([[{ from: 437, to: 491 }], true])
  })

  it('finds out how much a device answers at once', () => {
    const found = search(
      new Set(Array.from({ length: 500 }, (_, at) => at)),
      { from: 0, to: 499, block: 100, step: 10 },
      38,
    )
    expect(found).toMatchObject({ areas: [{ from: 0, to: 499 }], maxWidth: 38 })
    expect(found.asked).toBeLessThan(45)
  })

  it('gives up a table that is absent, and one that stays silent', () => {
    const absent = findAreas({ from: 0, to: 999, block: 100, step: 10 })
    absent.next('failed')
    expect(absent.next('absent')).toMatchObject({ done: true, value: { areas: [], isAbsent: true } })
    const silent = findAreas({ from: 0, to: 999, block: 100, step: 10 })
    silent.next('failed')
    silent.next('failed')
    silent.next('failed')
    expect(silent.next('failed')).toMatchObject({ done: true, value: { failed: [{}, {}, {}, { from: 300, to: 999 }] } })
  })
})
