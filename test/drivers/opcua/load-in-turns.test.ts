// The library behind the driver is loaded beside other work: counted in turns of the event loop, not in time.

import { describe, expect, it } from 'vitest'
import { loadLibrary } from '#drivers/opcua/library.ts'
import { loadPartsOf } from '#drivers/opcua/load-in-turns.ts'

/** Turns of the event loop so far; `end` stops the count, which would keep the process. */
function countTurns(): { readonly turns: number; end(): void } {
  let turns = 0
  let next = setImmediate(function count() {
    turns += 1
    next = setImmediate(count)
  })
  return {
    get turns() {
      return turns
    },
    end: () => clearImmediate(next),
  }
}

describe('loading node-opcua-client', () => {
  it('takes a turn of its own for each part, and nothing else may wait for two of them', async () => {
    const counted = countTurns()
    const loadedAt = new Map<string, number>()
    const onPart = (name: string): void => void loadedAt.set(name, counted.turns)
    const library = await loadLibrary(onPart)
    counted.end()
    expect(library.OPCUAClient).toBeDefined()
    expect(loadedAt.size).toBeGreaterThan(40)
    expect(new Set(loadedAt.values()).size).toBe(loadedAt.size)
    // What takes longest is among them, each after what it is made of.
    const order = [...loadedAt.keys()]
    for (const [before, after] of [
      ['@peculiar/x509', 'node-opcua-crypto'],
      ['node-opcua-basic-types', 'node-opcua-types'],
      ['node-opcua-types', 'node-opcua-secure-channel'],
    ] as const) {
      expect(order).toContain(after)
      expect(order.indexOf(before)).toBeGreaterThanOrEqual(0)
      expect(order.indexOf(before)).toBeLessThan(order.indexOf(after))
    }
  })

  it('gives the library as an import would, once', async () => {
    const library = await loadLibrary()
    expect(await loadLibrary()).toBe(library)
    expect(library).toBe(await import('node-opcua-client'))
  })

  it('leaves a package that is not installed to the import of the whole', async () => {
    await loadPartsOf('no-such-package', import.meta.url, { isPart: () => true })
  })
})
