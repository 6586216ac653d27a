import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Position } from '#domain/journal.ts'
import type { UplinkStatus } from '#domain/uplink.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasMosquitto, Mosquitto } from './mqtt/mosquitto.ts'
import { Subscriber } from './mqtt/subscriber.ts'

interface Line {
  readonly durable?: Position
  readonly ledger?: UplinkStatus
  readonly written?: number
}

/** One run of the gateway's core in a process of its own. */
class Run {
  readonly lines: Line[] = []
  readonly #process: ChildProcessByStdio<Writable, Readable, null>

  constructor(dataDir: string, url: string) {
    const script = join(import.meta.dirname, 'crash-child.ts')
    this.#process = spawn(process.execPath, [script, dataDir, url], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface(this.#process.stdout).on('line', (line) => {
      // The last line of a process that is killed may be cut off.
      const parsed = parseLine(line)
      if (parsed) this.lines.push(parsed)
    })
  }

  get durable(): Position | undefined {
    return this.lines.findLast((line) => line.durable)?.durable
  }

  async kill(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }

  async finish(): Promise<Line> {
    const ended = once(this.#process, 'exit')
    this.#process.stdin.write('finish\n')
    expect(await ended).toEqual([0, null])
    return this.lines.at(-1)!
  }
}

/** null: cut off in the middle. */
function parseLine(line: string): Line | null {
  try {
    return JSON.parse(line) as Line
  } catch {
    return null
  }
}

describe.skipIf(!hasMosquitto)('A gateway that is killed with -9 while it forwards (needs mosquitto)', () => {
  let folder: string
  let broker: Mosquitto
  let subscriber: Subscriber

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'telemetryx-crash-'))
    broker = await Mosquitto.start()
    subscriber = await Subscriber.open(broker.url)
  })
  afterEach(async () => {
    await subscriber.close()
    await broker.close()
    await rm(folder, { recursive: true })
  })

  it(
    'delivers everything that was durable, in order, with the broker there or away',
    { timeout: 120_000 },
    async () => {
      const durable: Position[] = []
      for (let round = 1; round <= 5; round++) {
        const isAway = round % 2 === 0
        if (isAway) await broker.stop('SIGTERM')
        const run = new Run(folder, broker.url)
        const before = subscriber.messages.length
        const enough = (): boolean =>
          (run.durable?.seq ?? 0) > 1500 + 400 * round && (isAway || subscriber.messages.length > before + 1000)
        await vi.waitFor(() => expect(enough()).toBe(true), EVENTUALLY)
        await run.kill()
        durable.push(run.durable!)
        if (isAway) await broker.start()
        await vi.waitUntil(() => subscriber.isConnected, EVENTUALLY)
      }

      const last = new Run(folder, broker.url)
      await vi.waitFor(() => expect(last.durable?.seq).toBeGreaterThan(1000), EVENTUALLY)
      const { ledger, written } = await last.finish()
      durable.push({ epoch: durable.length + 1, seq: written! })

      const lastId = `edge-01/${durable.at(-1)!.epoch}/${written}`
      await vi.waitFor(() => expect(subscriber.ids().at(-1)).toBe(lastId), EVENTUALLY)
      const firsts = [...new Set(subscriber.ids())]
      const positions = firsts.map((id) => id.split('/').slice(1).map(Number) as [number, number])
      for (const { epoch, seq } of durable) {
        const seqs = positions.filter(([of]) => of === epoch).map(([, at]) => at)
        expect(seqs.length, `epoch ${epoch}`).toBeGreaterThanOrEqual(seq)
        expect(seqs, `epoch ${epoch}`).toEqual(Array.from({ length: seqs.length }, (_, index) => index + 1))
      }
      const epochs = positions.map(([epoch]) => epoch)
      expect(epochs).toEqual(epochs.toSorted((a, b) => a - b))
      for (const { id, v } of subscriber.records()) {
        const [, epoch, seq] = id.split('/').map(Number)
        expect(v).toBe(seq! * 1000 + epoch!)
      }
      const { accepted, delivered, pending, filtered, rejected, dropped } = ledger!
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
      expect(accepted).toBe(delivered + pending + filtered + rejected + lost)
      expect({ pending, filtered, rejected }).toEqual({ pending: 0, filtered: 0, rejected: 0 })
      expect(delivered).toBeLessThanOrEqual(firsts.length)
    },
  )
})
