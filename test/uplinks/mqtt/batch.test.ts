import { describe, expect, it } from 'vitest'
import type { Delivery } from '#domain/uplink.ts'
import { silentLogger } from '#kit/logger.ts'
import { Messages } from '#uplinks/mqtt/message.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'

const MODEL = modelOf(['press-1.pressure', 'press-1.speed', 'oven-1.pressure'])

async function delivery(sensors: readonly number[], eventAfter = -1): Promise<Delivery> {
  const journal = new ModelJournal()
  sensors.forEach((sensor, index) => {
    journal.append(sensor, index, Date.UTC(2026, 10, 20, 12))
    if (index === eventAfter) journal.appendEntry({ kind: 'event', type: 'x', time: 0, message: 'm' })
  })
  const batch = (await journal.read({ epoch: 1, seq: 0 }, 10_000))!
  const rows = Uint32Array.from({ length: batch.length }, (_, row) => row)
  return { lane: 'inOrder', historical: false, batch, rows, rowCount: batch.length }
}

/** Topic and ids of each message of a delivery. */
function messagesOf(given: Delivery, template: string, maxBytes = Number.POSITIVE_INFINITY): [string, string[]][] {
  const messages = new Messages({
    template,
    format: 'json-batch',
    gateway: 'edge-01',
    factory: 'Plant A',
    model: () => MODEL,
    log: silentLogger,
  })
  const found: [string, string[]][] = []
  for (let at = 0; at < given.rowCount;) {
    const taken = messages.encodeFrom(given, at, maxBytes)
    expect(taken).toBeGreaterThan(0)
    at += taken
    const parsed = JSON.parse(messages.payload) as { id: string } | { id: string }[]
    found.push([messages.topic, [parsed].flat().map(({ id }) => id.split('/')[2]!)])
  }
  return found
}

describe('Messages of json-batch', () => {
  it('hold all readings of a batch with their sensors, in order', async () => {
    const given = await delivery([0, 2, 1])
    expect(messagesOf(given, 'telemetryx/{gateway}/readings')).toEqual([
      ['telemetryx/edge-01/readings', ['1', '2', '3']],
    ])
    const messages = new Messages({
      template: 't',
      format: 'json-batch',
      gateway: 'edge-01',
      factory: 'Plant A',
      model: () => MODEL,
      log: silentLogger,
    })
    messages.encodeFrom(given, 0, Number.POSITIVE_INFINITY)
    expect(JSON.parse(messages.payload)).toEqual([
      { t: '2026-11-20T12:00:00.000Z', v: 0, q: 'good', id: 'edge-01/1/1', sensor: 'press-1.pressure' },
      { t: '2026-11-20T12:00:00.000Z', v: 1, q: 'good', id: 'edge-01/1/2', sensor: 'oven-1.pressure' },
      { t: '2026-11-20T12:00:00.000Z', v: 2, q: 'good', id: 'edge-01/1/3', sensor: 'press-1.speed' },
    ])
  })

  it('end where the topic changes or an event comes, so that the order stays', async () => {
    expect(messagesOf(await delivery([0, 1, 2, 0]), '{factory}/{machine}')).toEqual([
      ['plant-a/press-1', ['1', '2']],
      ['plant-a/oven-1', ['3']],
      ['plant-a/press-1', ['4']],
    ])
    expect(messagesOf(await delivery([0, 0, 0], 1), 't')).toEqual([
      ['t', ['1', '2']],
      ['telemetryx/edge-01/event', ['3']],
      ['t', ['4']],
    ])
  })

  it('stay below what the broker takes, and below 64 Ki characters', async () => {
    const given = await delivery(Array.from({ length: 2000 }, () => 0))
    const sizes = messagesOf(given, 't').map(([, ids]) => ids.length)
    expect(sizes.length).toBeGreaterThan(1)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2000)
    expect(messagesOf(await delivery([0, 0, 0]), 't', 200).map(([, ids]) => ids.length)).toEqual([1, 1, 1])
  })
})
