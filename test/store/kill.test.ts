import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const ROUNDS = Number(process.env['TELEMETRYX_KILL_ROUNDS'] ?? 10)
const PROCESS = new URL('./pushing-process.ts', import.meta.url).pathname

/** Runs the process, kills it `delayMs` after its first acknowledgement, answers the last acknowledged seq. */
async function runAndKill(dataDir: string, epoch: number, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [PROCESS, dataDir, String(epoch)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let acknowledged = 0
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  for await (const line of createInterface(child.stdout)) {
    if (!line.startsWith('flushed ')) continue
    if (acknowledged === 0) setTimeout(() => child.kill('SIGKILL'), delayMs)
    acknowledged = Number(line.slice(8))
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(errors).toBe('')
  expect(child.signalCode).toBe('SIGKILL')
  return acknowledged
}

describe('store under kill -9', () => {
  it(
    'keeps everything acknowledged, in order, once, and no lock',
    async () => {
      using folder = temporaryFolder()
      let epoch = 0
      let lastCursor = 0
      const atLeast: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        epoch += 1
        atLeast[epoch] = await runAndKill(folder.path, epoch, Math.floor((round * 37) % 120))
        const { store } = await openTestStore(folder.path)
        epoch += 1
        expect(store.epoch).toBe(epoch)
        expect(store.history.status().quarantined).toBeNull()
        const cursor = await store.journal.cursor('hq')
        expect(cursor?.epoch).toBe(epoch - 1)
        expect(cursor?.seq).toBeGreaterThanOrEqual(atLeast[epoch - 1]!)
        lastCursor = cursor!.seq
        const from = Date.UTC(2026, 0, 1) + (epoch - 1) * 10_000_000
        const { count, min, max, mean } = await store.history.statistics('a.b', from, from + 10_000_000)
        // Values count from 0 without a gap: their number, greatest and mean tell that each is there once.
        expect(count).toBeGreaterThanOrEqual(atLeast[epoch - 1]!)
        expect({ min, max }).toEqual({ min: 0, max: count - 1 })
        expect(mean).toBeCloseTo((count - 1) / 2, 6)
        let seen = 0
        for (let page = null as string | null; ;) {
          const { items, next } = await store.history.readings({
            sensor: 'a.b',
            from,
            to: from + 10_000_000,
            limit: 10_000,
            cursor: page,
          })
          for (const { value } of items) expect(value).toBe(seen++)
          if (next === null) break
          page = next
        }
        expect(seen).toBe(count)
        await store.close()
      }
      expect(lastCursor).toBeGreaterThan(0)
    },
    60_000 + ROUNDS * 15_000,
  )
})
