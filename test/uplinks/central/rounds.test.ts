// A central that at random takes, refuses to answer, answers late, half, with faults or with requests for patience: everything
// arrives, in order, repeats with the same position, and the ledger balances. TELEMETRYX_KILL_ROUNDS sets how many requests.

import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { centralUplink } from '#uplinks/central/kind.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import { problem, requestOf, ScriptedCentral, type Script } from './scripted-central.ts'

const REQUESTS = Number(process.env['TELEMETRYX_KILL_ROUNDS'] ?? 6) * 10
const MODEL = modelOf(['press-1.a', 'oven-1.b'])
const never = new AbortController().signal

const MISDEEDS: Record<string, Script> = {
  'takes it and closes without a word': ({ body, headers }, response, central) => {
    central.take(requestOf(body, headers))
    response.destroy()
    return true
  },
  'closes before it has looked': (_seen, response) => {
    response.destroy()
    return true
  },
  'takes it and answers by half': ({ body, headers }, response, central) => {
    central.take(requestOf(body, headers))
    response.writeHead(202, { 'Content-Type': 'application/x-protobuf', 'Content-Length': '50' }).write('x')
    setImmediate(() => response.destroy())
    return true
  },
  'is not ready': (_seen, response) => problem(response, 503, 'Soon', { 'Retry-After': '0' }),
  'has failed': (_seen, response) => problem(response, 500, 'Oh'),
  'takes it as it should': () => false,
}

it.each(['inOrder', 'liveFirst'] as const)(
  'loses nothing over many requests to a central that misbehaves, %s',
  { timeout: 60_000 + REQUESTS * 500 },
  async (order) => {
    const deeds = fc.sample(fc.constantFrom(...Object.values(MISDEEDS)), REQUESTS)
    const central = await ScriptedCentral.start(
      (seen, response, self) => (seen.path.endsWith('/ingest') && deeds.pop()?.(seen, response, self)) || false,
    )
    const journal = new ModelJournal(4)
    const uplinks = createUplinks({
      clock: systemClock,
      log: silentLogger,
      registry: new Registry(),
      random: () => 0.01,
      journal,
      model: () => MODEL,
      gateway: 'edge-01',
      factory: 'Plant A',
      uplinks: [
        { id: 'hq', kind: centralUplink, config: { url: central.url }, include: [], exclude: [], maxRate: null, order },
      ],
    })
    const status = () => uplinks.list()[0]!
    await uplinks.start(never)
    const load = setInterval(() => {
      for (let n = 0; n < 10; n++) journal.append(n % 2, n, Date.now())
    }, 3)
    try {
      await vi.waitFor(() => expect(deeds).toHaveLength(0), 50_000 + REQUESTS * 500)
      clearInterval(load)
      await vi.waitFor(() => expect(status().pending).toBe(0), EVENTUALLY)
      const { accepted, delivered } = status()
      expect(delivered).toBe(accepted)
      const expected = Array.from({ length: accepted }, (_, index) => `edge-01/4/${index + 1}`)
      expect(new Set(central.ids)).toEqual(new Set(expected))
      for (const seqs of central.lanes.values()) expect([...seqs]).toEqual([...seqs].toSorted((a, b) => a - b))
      expect(central.lanes.size).toBeLessThanOrEqual(order === 'inOrder' ? 1 : 2)
    } finally {
      clearInterval(load)
      await uplinks.stop(never)
      await central.close()
    }
  },
)
