// The broker killed, the host restarted, births asked for, at random and under load: every record that was acknowledged has
// reached the host, in order, and the host found nothing against the specification. TELEMETRYX_KILL_ROUNDS sets how many rounds.

import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { sparkplugUplink } from '#uplinks/sparkplug/kind.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import { hasMosquitto, Mosquitto } from '../mqtt/mosquitto.ts'
import { checkAsHost, hasPythonProtobuf } from './host-check.ts'
import { Host, HOST } from './host.ts'

const ROUNDS = Number(process.env['TELEMETRYX_KILL_ROUNDS'] ?? 6)
const MODEL = modelOf(['press-1.a', 'press-1.b', 'oven-1.a', 'saw-1.a'])
const never = new AbortController().signal

type Blow = 'kill the broker' | 'stop the broker' | 'restart the host' | 'ask for births'

describe.skipIf(!hasMosquitto || !hasPythonProtobuf)('An edge node (needs mosquitto and python3-protobuf)', () => {
  it.each(['inOrder', 'liveFirst'] as const)(
    'loses nothing and breaks no rule over rounds of kills and rebirths, %s',
    { timeout: 60_000 + ROUNDS * 10_000 },
    async (order) => {
      const broker = await Mosquitto.start({ persistence: false })
      const host = await Host.open(broker.url)
      const journal = new ModelJournal(5)
      const uplinks = createUplinks({
        clock: systemClock,
        log: silentLogger,
        registry: new Registry(),
        random: () => 0.1,
        journal,
        model: () => MODEL,
        gateway: 'edge-01',
        factory: 'Plant A',
        uplinks: [
          {
            id: 'scada',
            kind: sparkplugUplink,
            config: { url: broker.url, group: 'plant-a', primaryHost: HOST },
            include: [],
            exclude: [],
            maxRate: null,
            order,
          },
        ],
      })
      const status = () => uplinks.list()[0]!
      await uplinks.start(never)
      const load = setInterval(() => {
        for (let n = 0; n < 20; n++) journal.append(n % MODEL.sensors.length, n, Date.now())
      }, 4)
      const blows: Record<Blow, () => Promise<void>> = {
        'kill the broker': async () => {
          await broker.stop('SIGKILL')
          await broker.start()
        },
        'stop the broker': async () => {
          await broker.stop('SIGTERM')
          await vi.waitFor(() => expect(status().state).toBe('retrying'), EVENTUALLY)
          await broker.start()
        },
        'restart the host': async () => {
          await vi.waitUntil(() => host.isConnected, EVENTUALLY)
          await host.goOffline()
          await vi.waitFor(() => expect(status().state).not.toBe('online'), EVENTUALLY)
          await host.goOnline()
        },
        'ask for births': async () => {
          await vi.waitUntil(() => host.isConnected, EVENTUALLY)
          await host.askForBirth()
        },
      }
      try {
        const random = fc.sample(fc.constantFrom(...(Object.keys(blows) as Blow[])), ROUNDS)
        for (const blow of random) {
          const before = status().delivered
          await vi.waitFor(() => expect(status().delivered).toBeGreaterThan(before + 500), EVENTUALLY)
          await blows[blow]()
        }
        clearInterval(load)
        await vi.waitFor(() => expect(status().pending).toBe(0), EVENTUALLY)
        const { accepted, delivered } = status()
        expect(delivered).toBe(accepted)
        const expected = Array.from({ length: accepted }, (_, index) => `edge-01/5/${index + 1}`)
        await vi.waitFor(() => expect(new Set(host.ids()).size).toBe(accepted), EVENTUALLY)
        expect(new Set(host.ids())).toEqual(new Set(expected)) // repeats carry the same position
        if (order === 'inOrder') expect([...new Set(host.ids())]).toEqual(expected) // first arrivals in order
        expect(checkAsHost(host.messages).violations).toEqual([])
      } finally {
        clearInterval(load)
        await uplinks.stop(never)
        await host.close()
        await broker.close()
      }
    },
  )
})
