// The audit log on disk: what a power cut, a full disk and a hand with an editor do to it.

import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AuditFile } from '#api/audit/audit-file.ts'
import { AuditLog } from '#api/audit/audit-log.ts'
import type { AuditChange, AuditEntry } from '#domain/audit.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-audit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function entry(seq: number): AuditEntry {
  const change = { action: 'user.add', target: `user-${seq}`, who: 'shift-lead', via: 'session', from: '127.0.0.1' }
  return { ...change, outcome: 'done', before: null, after: { role: 'viewer' }, seq, time: 1000 + seq, suppressed: 0 }
}

async function opened(
  folder: string,
  limits: { segmentBytes?: number; maxSegments?: number } = {},
): Promise<AuditFile> {
  const file = new AuditFile({ folder, segmentBytes: 1 << 20, maxSegments: 4, ...limits })
  onTestFinished(() => file.close())
  await file.open()
  return file
}

async function seqsOf(file: AuditFile): Promise<number[]> {
  const seqs = []
  for await (const { seq } of file.newestFirst()) seqs.push(seq)
  return seqs
}

describe('the files of the audit log', () => {
  it('are read newest first, over a restart', async () => {
    const folder = temporaryFolder()
    const first = await opened(folder)
    await first.append([entry(1), entry(2)])
    await first.close()
    const second = await opened(folder)
    expect(second.lastSeq).toBe(2)
    await second.append([entry(3)])
    expect(await seqsOf(second)).toEqual([3, 2, 1])
    expect(await second.verify()).toBeNull()
  })

  it('lose the line that a power cut tore, at any byte of it, and go on behind the one before', async () => {
    const folder = temporaryFolder()
    const file = await opened(folder)
    await file.append([entry(1), entry(2)])
    await file.close()
    const path = join(folder, readdirSync(folder)[0]!)
    const whole = readFileSync(path)
    const firstLine = whole.indexOf(0x0a) + 1
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: firstLine, max: whole.length - 1 }), async (length) => {
        writeFileSync(path, whole)
        truncateSync(path, length)
        const again = await opened(folder)
        expect(again.lastSeq).toBe(1)
        await again.append([entry(2)])
        expect(await seqsOf(again)).toEqual([2, 1])
        expect(await again.verify()).toBeNull()
        await again.close()
      }),
      { numRuns: 30 },
    )
  })

  it('show every change of a byte', async () => {
    const folder = temporaryFolder()
    const file = await opened(folder)
    await file.append([entry(1), entry(2), entry(3)])
    const path = join(folder, readdirSync(folder)[0]!)
    const whole = readFileSync(path)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const broken = Buffer.from(whole)
        broken[at]! ^= change
        writeFileSync(path, broken)
        // A capital in a hash or another blank says the same as before; what is said is what counts.
        if (sameEntries(broken, whole)) return
        expect(await file.verify()).not.toBeNull()
      }),
      { numRuns: 200, examples: [[whole.length - 1, 0x0a ^ 0x20]] },
    )
  })

  it.each([
    ['cut off at the end', (lines: string[]) => lines.slice(0, 2)],
    ['taken out', (lines: string[]) => [lines[0]!, lines[2]!]],
    ['put in twice', (lines: string[]) => [lines[0]!, lines[1]!, lines[1]!, lines[2]!]],
    ['exchanged', (lines: string[]) => [lines[1]!, lines[0]!, lines[2]!]],
  ])('show a line that was %s', async (_how, change) => {
    const folder = temporaryFolder()
    const file = await opened(folder)
    await file.append([entry(1), entry(2), entry(3)])
    const path = join(folder, readdirSync(folder)[0]!)
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    writeFileSync(path, `${change(lines).join('\n')}\n`)
    expect(await file.verify()).not.toBeNull()
  })

  it('stay within their segments, and the chain goes on over them', async () => {
    const folder = temporaryFolder()
    const file = await opened(folder, { segmentBytes: 1000, maxSegments: 3 })
    for (let seq = 1; seq <= 60; seq++) await file.append([entry(seq)])
    expect(readdirSync(folder).length).toBe(3)
    const seqs = await seqsOf(file)
    expect(seqs[0]).toBe(60)
    expect(seqs).toEqual(seqs.toSorted((a, b) => b - a))
    expect(await file.verify()).toBeNull()
    await file.close()
    expect((await opened(folder, { segmentBytes: 1000, maxSegments: 3 })).lastSeq).toBe(60)
  })

  it('go on counting behind a last line that cannot be read, and tell of it', async () => {
    const folder = temporaryFolder()
    const file = await opened(folder)
    await file.append([entry(1)])
    await file.close()
    appendFileSync(join(folder, readdirSync(folder)[0]!), 'not a line\n')
    const again = await opened(folder)
    expect(again.lastSeq).toBe(2)
    expect(await again.verify()).toEqual({ seq: 2, message: 'Entry 2 cannot be read' })
  })
})

function sameEntries(a: Buffer, b: Buffer): boolean {
  const parsed = (text: string): unknown[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  try {
    return JSON.stringify(parsed(a.toString('utf8'))) === JSON.stringify(parsed(b.toString('utf8')))
  } catch {
    return false
  }
}

describe('the audit log', () => {
  const change = (outcome: AuditChange['outcome'], who = 'shift-lead'): AuditChange => {
    const { seq: _seq, time: _time, suppressed: _suppressed, ...rest } = entry(1)
    return { ...rest, who, outcome }
  }
  const everything = { from: 0, to: 1e15, who: null, action: null, target: null, before: null, limit: 1000 }

  async function openLog(clock = new ManualClock()): Promise<AuditLog> {
    const log = new AuditLog({ folder: temporaryFolder(), clock, log: silentLogger })
    await log.open()
    onTestFinished(() => log.close())
    return log
  }

  it('keeps all that comes at once, in order', async () => {
    const log = await openLog()
    await Promise.all(Array.from({ length: 50 }, (_, n) => log.record(change('done', `user-${n}`))))
    const { items } = await log.list(everything)
    expect(items.map(({ who }) => who)).toEqual(Array.from({ length: 50 }, (_, n) => `user-${49 - n}`))
    expect(await log.verify()).toBeNull()
  })

  it('pages without a gap while entries are added', async () => {
    const log = await openLog()
    for (let n = 0; n < 5; n++) await log.record(change('done', `user-${n}`))
    const first = await log.list({ ...everything, limit: 2 })
    await log.record(change('done', 'latecomer'))
    const second = await log.list({ ...everything, limit: 3, before: first.next })
    expect([...first.items, ...second.items].map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1])
    expect(second.next).toBeNull()
  })

  it('is not washed out by a flood of refusals, and tells how many it left out', async () => {
    const clock = new ManualClock()
    const log = await openLog(clock)
    for (let n = 0; n < 200; n++) await log.record(change('refused', 'unknown'))
    await log.record(change('done'))
    const { items } = await log.list(everything)
    expect(items.length).toBe(31)
    expect(items[0]).toMatchObject({ outcome: 'done', suppressed: 170 })
    await clock.advance(60_000)
    await log.record(change('refused'))
    expect((await log.list(everything)).items[0]).toMatchObject({ outcome: 'refused', suppressed: 0 })
  })
})
