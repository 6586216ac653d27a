import fc from 'fast-check'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { ENTRY, NO_TIME } from '#domain/reading.ts'
import { RingConsumer, RingProducer } from '#kit/record-ring.ts'
import { allocateRing } from '#kit/ring-memory.ts'
import { valueAt } from '#kit/record-batch.ts'

function ringOf(whenFull: 'block' | 'dropOldest' = 'block', onDrop?: (from: number, to: number) => void) {
  const memory = allocateRing(1024, 64 * 1024)
  const producer = new RingProducer({ memory, epoch: 7, whenFull, ...(onDrop ? { onDrop } : {}) })
  return { memory, producer, consumer: new RingConsumer(memory, 7) }
}

describe('record ring', () => {
  it('gives back numbers, 64-bit integers, text and entries in order, to the bit', () => {
    const { producer, consumer } = ringOf()
    producer.pushNumber(1, 0, 10, 20, -0)
    producer.pushInteger(2, 0, NO_TIME, 21, -(2n ** 63n))
    producer.pushInteger(2, 0, NO_TIME, 22, 0x7ff0_0000_0000_0001n)
    producer.pushText(3, 0, 11, 23, 'Grüße')
    producer.pushEntry(24, '{"kind":"event"}')
    const batch = consumer.take(100)!
    expect(batch).toMatchObject({ epoch: 7, firstSeq: 1, length: 5 })
    expect(Object.is(valueAt(batch, 0, 'number'), -0)).toBe(true)
    expect(valueAt(batch, 1, 'int64')).toBe(-(2n ** 63n))
    expect(valueAt(batch, 2, 'int64')).toBe(0x7ff0_0000_0000_0001n) // a signalling NaN as a double
    expect(valueAt(batch, 3, 'string')).toBe('Grüße')
    expect(batch.sensor[4]).toBe(ENTRY)
    expect(batch.texts.get(4)).toBe('{"kind":"event"}')
    expect(Number.isNaN(batch.sourceTime[1])).toBe(true)
    expect([...batch.receivedAt]).toEqual([20, 21, 22, 23, 24])
  })

  it('keeps every record in order over any mixture of pushes and takes', () => {
    const step = fc.oneof(
      fc.record({
        push: fc.integer({ min: 1, max: 700 }),
        text: fc.option(fc.string({ maxLength: 300 }), { nil: undefined }),
      }),
      fc.record({ take: fc.integer({ min: 1, max: 900 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { producer, consumer } = ringOf()
        const expected: (number | string)[] = []
        const taken: (number | string)[] = []
        let n = 0
        const take = (limit: number): void => {
          const batch = consumer.take(limit)
          for (let row = 0; row < (batch?.length ?? 0); row++) {
            expect(batch!.firstSeq + row).toBe(taken.length + 1)
            taken.push(batch!.texts.get(row) ?? batch!.value[row]!)
          }
        }
        for (const s of steps) {
          if ('take' in s) take(s.take)
          else if (s.text !== undefined) {
            if (producer.pushText(1, 0, 0, 0, s.text)) expected.push(s.text)
          } else {
            for (let i = 0; i < s.push; i++) if (producer.pushNumber(1, 0, 0, 0, ++n)) expected.push(n)
          }
        }
        while (consumer.waiting > 0) take(512)
        expect(taken).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses a push when full and takes it again after the consumer made room', () => {
    const { producer, consumer } = ringOf()
    for (let i = 0; i < 1024; i++) expect(producer.pushNumber(1, 0, 0, 0, i)).toBe(true)
    expect(producer.pushNumber(1, 0, 0, 0, -1)).toBe(false)
    expect(producer.fillRatio).toBe(1)
    consumer.take(1)
    expect(producer.pushNumber(1, 0, 0, 0, 1024)).toBe(true)
    expect(producer.written).toBe(1025)
  })

  it('gives up the oldest and says which when told to drop', () => {
    const dropped: [number, number][] = []
    const { producer, consumer } = ringOf('dropOldest', (from, to) => dropped.push([from, to]))
    for (let i = 1; i <= 1025; i++) expect(producer.pushNumber(1, 0, 0, 0, i)).toBe(true)
    expect(dropped).toEqual([[1, 64]])
    const batch = consumer.take(2000)!
    expect(batch.firstSeq).toBe(65)
    expect(batch.value[0]).toBe(65)
    expect(batch.length).toBe(961)
  })

  it('serves the memory tail to the producer side, also after the consumer took it', () => {
    const { producer, consumer } = ringOf()
    for (let i = 1; i <= 1000; i++) producer.pushNumber(1, 0, 0, 0, i)
    consumer.take(1000)
    for (let i = 1001; i <= 1500; i++) producer.pushNumber(1, 0, 0, 0, i)
    expect(producer.copy(476, 10)).toBeNull()
    expect(producer.copy(477, 10)!.value[0]).toBe(477)
    expect(producer.copy(1495, 100)!.length).toBe(6)
    expect(producer.copy(1501, 1)).toBeNull()
  })

  it('refuses the memory tail of text that has been overwritten', () => {
    const { producer, consumer } = ringOf()
    const long = 'x'.repeat(4000)
    for (let i = 0; i < 40; i++) {
      expect(producer.pushText(1, 0, 0, 0, long)).toBe(true)
      consumer.take(1)
    }
    expect(producer.copy(1, 1)).toBeNull()
    expect(producer.copy(40, 1)!.texts.get(0)).toBe(long)
  })

  it('carries a million records to another thread without a loss or a swap', async () => {
    const memory = allocateRing(4096)
    const worker = new Worker(new URL('./ring-consumer-thread.ts', import.meta.url), {
      workerData: { memory, total: 1_000_000 },
    })
    const answer = new Promise<{ ok: boolean }>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    const producer = new RingProducer({ memory, epoch: 1, whenFull: 'block' })
    let next = 1
    while (next <= 1_000_000) {
      if (producer.pushNumber(next % 100, 0, next, next, next)) next += 1
      else await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await answer).toEqual({ ok: true })
    await worker.terminate()
  })
})
