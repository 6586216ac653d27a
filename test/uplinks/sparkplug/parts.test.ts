// The small parts of an edge node: its durable number, the state of its host, its positions.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '#kit/logger.ts'
import { BirthCounter } from '#uplinks/sparkplug/birth-counter.ts'
import { HostState } from '#uplinks/sparkplug/host-state.ts'
import { formatPositions } from '#uplinks/sparkplug/positions.ts'

describe('The birth counter', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetryx-bdseq-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const counter = (path: string | undefined = join(folder, 'scada')) => new BirthCounter(path, silentLogger, 5_000)

  it('grows with each session, over restarts, and begins again after 255', async () => {
    const first = counter()
    expect([await first.next(), await first.next()]).toEqual([6, 7])
    expect(await counter().next()).toBe(8)
    writeFileSync(join(folder, 'scada', 'bdseq'), '255\n')
    expect(await counter().next()).toBe(0)
  })

  it('has its number on disk before it gives it', async () => {
    const number = await counter().next()
    expect(readFileSync(join(folder, 'scada', 'bdseq'), 'utf8')).toBe(`${number}\n`)
  })

  it.each(['', 'x', '256', '-1', '1e2', '7 7'])('begins anew when %j is all that is kept', async (text) => {
    const kept = counter()
    await kept.next()
    writeFileSync(join(folder, 'scada', 'bdseq'), text)
    expect(await counter().next()).toBe(6)
  })

  it('goes on in memory where nothing can be written', async () => {
    writeFileSync(join(folder, 'file'), '')
    const lost = counter(join(folder, 'file', 'below'))
    expect([await lost.next(), await lost.next()]).toEqual([6, 7])
  })
})

describe('The state of the primary host', () => {
  const said = (...texts: string[]): boolean | null => {
    const state = new HostState()
    for (const text of texts) state.take(Buffer.from(text))
    return state.isOnline
  }

  it('is what the host says last', () => {
    expect(said()).toBeNull()
    expect(said('{"online":true,"timestamp":5}')).toBe(true)
    expect(said('{"online":true,"timestamp":5}', '{"online":false,"timestamp":5}')).toBe(false)
  })

  it('is not changed by a will of an earlier session that comes late', () => {
    expect(said('{"online":true,"timestamp":5}', '{"online":false,"timestamp":4}')).toBe(true)
  })

  it.each([
    'ONLINE',
    '',
    'null',
    '[]',
    '{"online":1,"timestamp":5}',
    '{"online":true}',
    '{"online":true,"timestamp":"5"}',
    '{"online":true,"timestamp":1e999}',
    `{"online":true,"timestamp":5,"x":"${'x'.repeat(5000)}"}`,
  ])('is not told by %.30j', (text) => {
    expect(said(text)).toBeNull()
    expect(said('{"online":false,"timestamp":4}', text)).toBe(false)
  })
})

describe('Positions', () => {
  it('are ranges that give each seq back', () => {
    expect(formatPositions('edge-01', 3, [1042, 1043, 1044, 1046])).toBe('edge-01/3/1042-1044,1046')
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (numbers) => {
        const seqs = numbers.sort((a, b) => a - b)
        const ranges = formatPositions('g', 1, seqs).slice(4).split(',')
        const back = ranges.flatMap((range) => {
          const [first = 0, last = first] = range.split('-').map(Number)
          return Array.from({ length: last - first + 1 }, (_, index) => first + index)
        })
        expect(back).toEqual(seqs)
      }),
    )
  })
})
