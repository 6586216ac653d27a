// What every kind of uplink must make of a receiver that misbehaves: a clear state, and nothing lost. One suite, run for each
// kind against receivers of its own that can be bad in these ways.

import { afterEach, describe, expect, it, vi } from 'vitest'
import type { UplinkKind, UplinkStatus } from '#domain/uplink.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { createUplinks, type Uplinks } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from '../uplinks/model-journal.ts'
import { ModelLetters, modelPorts } from '../uplinks/model-letters.ts'

export const FAULTS = {
  nonsense: 'acknowledges nonsense',
  slow: 'answers slowly',
  rejectsOne: 'rejects one reading',
  closesMidStream: 'closes mid-stream',
  wrongCertificate: 'presents a wrong certificate',
  asksTooMuch: 'asks for too much',
} as const

export type Fault = keyof typeof FAULTS

export interface FaultyReceiver {
  /** Decoded configuration of an uplink to it. */
  readonly config: unknown
  /** Relative paths of `config` start here. */
  readonly configDir?: string
  /** From now on it behaves. */
  heal(): void | Promise<void>
  /** `gateway/epoch/seq` of every record that it took, repeats included. */
  ids(): readonly string[]
  close(): Promise<void>
}

export interface FaultCase {
  open(): Promise<FaultyReceiver>
  /** How the uplink must be while it lasts: `retrying` with a reason like this; null: it stays online. */
  readonly reason: RegExp | null
}

export interface UplinkFaults {
  readonly kind: UplinkKind
  readonly needs: string
  readonly isPresent: boolean
  readonly faults: Readonly<Record<Fault, FaultCase>>
}

const MODEL = modelOf(['press-1.pressure', 'press-1.speed'])
const never = new AbortController().signal
const RECORDS = 1200
const PATIENCE_MS = 40_000
/** The record that `rejectsOne` refuses: the last of its batch would be too easy. */
export const REJECTED_SEQ = 777

export function describeUplinkFaults({ kind, needs, isPresent, faults }: UplinkFaults): void {
  describe.skipIf(!isPresent)(`An uplink of kind ${kind.type} whose receiver misbehaves (needs ${needs})`, () => {
    let uplinks: Uplinks
    let receiver: FaultyReceiver
    afterEach(async () => {
      await uplinks.stop(never)
      await receiver.close()
    })

    const begin = async (fault: Fault): Promise<ModelJournal> => {
      receiver = await faults[fault].open()
      const journal = new ModelJournal()
      const { config, configDir = '/nowhere' } = receiver
      uplinks = createUplinks({
        clock: systemClock,
        log: silentLogger,
        registry: new Registry(),
        random: () => 0.05,
        journal,
        model: () => MODEL,
        gateway: 'edge-01',
        factory: 'Plant A',
        uplinks: [{ id: 'contract', kind, config, include: ['*'], exclude: [], maxRate: null }],
        ports: modelPorts(new ModelLetters(), { configDir }),
      })
      for (let n = 0; n < RECORDS; n++) journal.append(n % 2, n, Date.now())
      await uplinks.start(never)
      return journal
    }
    const status = (): UplinkStatus => uplinks.list()[0]!
    const expectBalance = (): void => {
      const { accepted, delivered, pending, filtered, rejected, dropped } = status()
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
      expect(accepted).toBe(RECORDS)
      expect(delivered + pending + filtered + rejected + lost).toBe(RECORDS)
    }
    const expectAll = async (): Promise<void> => {
      await vi.waitFor(() => expect(status()).toMatchObject({ pending: 0, delivered: RECORDS }), PATIENCE_MS)
      expectBalance()
      await vi.waitFor(() => expect(new Set(receiver.ids()).size).toBe(RECORDS), PATIENCE_MS)
      expect(new Set(receiver.ids())).toEqual(new Set(Array.from({ length: RECORDS }, (_, n) => `edge-01/1/${n + 1}`)))
    }

    const patient = { timeout: 3 * PATIENCE_MS }
    it.each(['nonsense', 'slow', 'closesMidStream', 'wrongCertificate', 'asksTooMuch'] as const)(
      '%s: is in a clear state, and loses nothing',
      patient,
      async (fault) => {
        await begin(fault)
        const { reason } = faults[fault]
        if (reason !== null) {
          await vi.waitFor(() => expect(status().reason ?? '').toMatch(reason), PATIENCE_MS)
          expect(status().breaker!.failures).toBeGreaterThan(0)
        } else await vi.waitFor(() => expect(receiver.ids().length).toBeGreaterThan(0), PATIENCE_MS)
        expectBalance()
        await receiver.heal()
        await expectAll()
      },
    )

    it('rejectsOne: puts it aside, delivers the rest, and sends it again when asked to', patient, async () => {
      await begin('rejectsOne')
      const rest = { state: 'online', pending: 0, delivered: RECORDS - 1, rejected: 1, deadLetters: 1 }
      await vi.waitFor(() => expect(status()).toMatchObject(rest), PATIENCE_MS)
      expectBalance()
      const letters = await uplinks.letters.list('contract', 0, 10)
      expect(letters).toMatchObject([{ epoch: 1, seq: REJECTED_SEQ, attempts: 1 }])
      expect(letters[0]!.reason).not.toBe('')
      expect(await uplinks.letters.retry('contract', letters[0]!.id)).toBe(false)
      expect(await uplinks.letters.list('contract', 0, 10)).toMatchObject([{ attempts: 2 }])
      await receiver.heal()
      expect(await uplinks.letters.retry('contract', letters[0]!.id)).toBe(true)
      await vi.waitFor(() => expect(new Set(receiver.ids()).size).toBe(RECORDS), PATIENCE_MS)
      expect(status()).toMatchObject({ delivered: RECORDS, rejected: 0, deadLetters: 0 })
      expectBalance()
    })
  })
}
