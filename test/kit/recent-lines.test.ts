import { describe, expect, it } from 'vitest'
import { createLogger } from '#kit/logger.ts'
import { RecentLines } from '#kit/recent-lines.ts'

describe('recent lines', () => {
  it('are those of the log, oldest first, and the log goes where it should', () => {
    const recent = new RecentLines()
    const written: string[] = []
    const log = createLogger({ destination: recent.tee({ write: (text) => void written.push(text) }) })
    log.info({ password: 'hunter2' }, 'first')
    log.warn({}, 'second')
    expect(recent.lines().map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['first', 'second'])
    expect(recent.lines().join('\n')).not.toContain('hunter2')
    expect(written).toEqual(recent.lines().map((line) => `${line}\n`))
  })

  it('are at most 1000, and 512 Ki characters', () => {
    const recent = new RecentLines()
    const destination = recent.tee({ write: () => {} })
    for (let n = 0; n < 2500; n++) destination.write(`${n}\n`)
    expect(recent.lines()).toHaveLength(1000)
    expect(recent.lines().at(-1)).toBe('2499')
    for (let n = 0; n < 20; n++) destination.write('x'.repeat(100_000))
    expect(recent.lines()).toHaveLength(5)
    destination.write('y'.repeat(1_000_000))
    expect(recent.lines()).toHaveLength(1)
  })
})
