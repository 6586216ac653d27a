// Rounds of random kills, for every kind of uplink: the gateway (kill -9), its receiver (kill -9) and the network between them,
// under load, in both orders. What was durable arrives, in order within each lane, repeats with the same position, and the
// ledger balances to the last record. `UPLINK_KILL_ROUNDS` sets the rounds, `UPLINK_KILL_SEED` repeats a run.

import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import type { Position } from '#domain/journal.ts'
import type { Lane, UplinkStatus } from '#domain/uplink.ts'
import { seededRandom } from '#kit/random.ts'
import { TROUBLES, UnrulyNetwork } from '../sim/unruly-network.ts'

/** A record as it arrived, repeats included. */
export interface KilledArrival extends Position {
  readonly lane: Lane
  readonly isEvent: boolean
  /** Of a reading. */
  readonly value: number | null
}

/** A receiver in a process of its own, at the same port from start to start. */
export interface KillableReceiver {
  readonly port: number
  /** In order of arrival. Nothing that was acknowledged is missing. */
  arrivals(): readonly KilledArrival[]
  /** With -9. */
  kill(): Promise<void>
  /** Resolves when it takes records, and none of them can be missed. */
  start(): Promise<void>
  close(): Promise<void>
}

export interface UplinkKills {
  readonly type: string
  /** What the machine must have for it. */
  readonly needs: string
  readonly isPresent: boolean
  /** Absolute URL of the module that exports the kind, and the name of the export. */
  readonly module: string
  readonly name: string
  /** With `inOrder` every arrival's lane is inOrder. */
  open(order: 'inOrder' | 'liveFirst'): Promise<KillableReceiver>
  /** Decoded configuration of an uplink to 127.0.0.1 at this port. */
  config(port: number): object
}

/** What the child process is told. */
export interface KillChildSetup {
  readonly dataDir: string
  readonly module: string
  readonly name: string
  readonly config: object
  readonly order: 'inOrder' | 'liveFirst'
  /** Records for each 5 ms. */
  readonly perTurn: number
}

interface Line {
  readonly durable?: Position
  readonly status?: UplinkStatus
  readonly ledger?: UplinkStatus
  readonly written?: number
}

const ROUNDS = Number(process.env['UPLINK_KILL_ROUNDS'] ?? 2)
const PATIENCE_MS = 60_000

/** One run of the gateway's core in a process of its own. */
class GatewayRun {
  readonly lines: Line[] = []
  readonly #process: ChildProcessByStdio<Writable, Readable, null>

  constructor(setup: KillChildSetup) {
    const script = join(import.meta.dirname, 'kill-child.ts')
    this.#process = spawn(process.execPath, [script, JSON.stringify(setup)], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface(this.#process.stdout).on('line', (line) => {
      // The last line of a process that is killed may be cut off.
      const parsed = parseLine(line)
      if (parsed) this.lines.push(parsed)
    })
  }

  get durable(): Position {
    return this.lines.findLast((line) => line.durable)?.durable ?? { epoch: 0, seq: 0 }
  }

  get status(): UplinkStatus | undefined {
    return this.lines.findLast((line) => line.status)?.status
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
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

export function describeUplinkKills(kills: UplinkKills): void {
  describe.skipIf(!kills.isPresent)(`An uplink of kind ${kills.type} under random kills (needs ${kills.needs})`, () => {
    it.each(['inOrder', 'liveFirst'] as const)(
      'delivers what was durable, in order within each lane, and balances its ledger: %s',
      async (order) => {
        const seed = Number(process.env['UPLINK_KILL_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
        try {
          await runRounds(kills, order, seed)
        } catch (error) {
          throw new Error(`Repeat with UPLINK_KILL_SEED=${seed}`, { cause: error })
        }
      },
      60_000 + ROUNDS * 60_000,
    )
  })
}

async function runRounds(kills: UplinkKills, order: 'inOrder' | 'liveFirst', seed: number): Promise<void> {
  const random = seededRandom(seed)
  const dataDir = await mkdtemp(join(tmpdir(), 'telemetryx-kills-'))
  const receiver = await kills.open(order)
  const network = await UnrulyNetwork.start({ target: receiver.port, random })
  const { module, name } = kills
  const setup = { dataDir, module, name, config: kills.config(network.port), order, perTurn: 10 }
  const durable: Position[] = []
  let run = new GatewayRun(setup)
  try {
    for (let round = 0; round < ROUNDS; round++) {
      // At least some of the load goes through in each round.
      const before = receiver.arrivals().length
      await until(() => receiver.arrivals().length > before + 500)
      // First a kill of the gateway, then of the receiver, then whatever chance has.
      const what = round < 2 ? round : Math.floor(random() * 7)
      if (what >= 4) network.cause(TROUBLES[Math.floor(random() * TROUBLES.length)]!)
      if (what % 4 === 1 || what % 4 === 2) await killReceiver(receiver, network)
      const waits = run.durable.seq + 300 + Math.floor(random() * 3000)
      await until(() => run.durable.seq > waits)
      if (what % 4 === 0 || what % 4 === 2) {
        await run.kill()
        durable.push(run.durable)
        run = new GatewayRun(setup)
        await until(() => run.durable.seq > 200)
      }
      if (what % 4 === 1 || what % 4 === 2) await receiver.start()
      else network.cut() // what was swallowed or half closed ends now
      network.heal()
    }
    const { ledger, written } = await run.finish()
    durable.push({ epoch: run.durable.epoch, seq: written! })
    check(receiver.arrivals(), durable, ledger!)
  } finally {
    await run.kill()
    await network.close()
    await receiver.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function killReceiver(receiver: KillableReceiver, network: UnrulyNetwork): Promise<void> {
  await receiver.kill()
  network.shut() // until it is back: what comes in between would reach nobody who counts
}

function check(arrivals: readonly KilledArrival[], durable: readonly Position[], ledger: UplinkStatus): void {
  const seen = new Map<number, Set<number>>()
  for (const { epoch, seq } of arrivals) seen.set(epoch, (seen.get(epoch) ?? new Set()).add(seq))
  let distinct = 0
  for (const { epoch, seq } of durable) {
    const seqs = seen.get(epoch) ?? new Set()
    const missing = Array.from({ length: seq }, (_, index) => index + 1).filter((one) => !seqs.has(one))
    expect(missing, `records of epoch ${epoch} that never arrived`).toEqual([])
    distinct += seqs.size
  }
  for (const { epoch, seq, value } of arrivals) if (value !== null) expect(value).toBe(seq * 1000 + epoch)
  expectOrder(arrivals)
  const { accepted, delivered, pending, filtered, rejected, dropped } = ledger
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  expect(accepted).toBe(delivered + pending + filtered + rejected + lost)
  expect({ pending, filtered, rejected }).toEqual({ pending: 0, filtered: 0, rejected: 0 })
  // What a crash took before it was durable is a gap at most; whatever is counted as delivered did arrive.
  expect(delivered).toBeLessThanOrEqual(distinct)
  expect(accepted).toBeGreaterThanOrEqual(durable.reduce((sum, { seq }) => sum + seq, 0))
}

/** First arrivals ascend within each lane; in those of liveFirst, events by themselves. */
function expectOrder(arrivals: readonly KilledArrival[]): void {
  const seen = new Set<string>()
  const last = new Map<string, Position>()
  for (const arrival of arrivals) {
    const { epoch, seq, lane, isEvent } = arrival
    const key = `${epoch}/${seq}`
    if (seen.has(key)) continue
    seen.add(key)
    const stream = lane === 'inOrder' ? lane : `${lane} ${isEvent}`
    const before = last.get(stream)
    if (before && (before.epoch > epoch || (before.epoch === epoch && before.seq > seq)))
      throw new Error(`${key} came in ${stream} after ${before.epoch}/${before.seq}`)
    last.set(stream, arrival)
  }
}

async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { timeout: PATIENCE_MS, interval: 20 })
}

/** null: cut off in the middle. */
function parseLine(line: string): Line | null {
  try {
    return JSON.parse(line) as Line
  } catch {
    return null
  }
}
