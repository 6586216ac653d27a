// Answers of every sort: true ones cut, doubled, reordered and damaged, and plain noise. Modbus TCP carries no checksum, so
// damage within the data bytes themselves cannot be told by anybody; everything else is damaged here.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import { mbapFrame, RawModbusSlave, type RawRequest } from '#test/sim/raw-modbus-slave.ts'
import { RecordingSink } from '#test/sim/recording-sink.ts'
import { holdings, NEVER, testDevice, TIMEOUT_MS, type TestDevice } from './modbus-device.ts'

const ADDRESSES = [0, 1, 2, 3]
const DATA_START = 9 // transaction, protocol, length, unit, function, byte count
const WORD = 0x5aa5

let slave: RawModbusSlave
let unit: TestDevice

beforeEach(async () => {
  slave = await RawModbusSlave.start()
  slave.words.fill(WORD)
  unit = testDevice({ port: slave.port, sensors: holdings(...ADDRESSES) })
})

afterEach(async () => {
  await unit.device.close()
  await slave.stop()
})

/** What a peer does to the bytes of a true answer. */
type Damage = (frame: Buffer) => Buffer

const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(fc.nat(DATA_START - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]): Damage => (frame) => {
    const changed = Buffer.from(frame)
    changed[at]! ^= mask
    return changed
  }),
  fc.nat(17).map(
    (length): Damage =>
      (frame) =>
        frame.subarray(0, length),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map(
    (noise): Damage =>
      () =>
        Buffer.from(noise),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map(
    (noise): Damage =>
      (frame) =>
        Buffer.concat([noise, frame]),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map(
    (noise): Damage =>
      (frame) =>
        Buffer.concat([frame, noise]),
  ),
  fc.constant<Damage>((frame) => Buffer.concat([frame, frame])),
  fc.integer({ min: 1, max: 0xffff }).map((shift): Damage => (frame) => {
    const other = Buffer.from(frame)
    other.writeUInt16BE((frame.readUInt16BE(0) + shift) & 0xffff, 0)
    return Buffer.concat([other.fill(0xee, DATA_START), frame])
  }),
  fc.constant<Damage>((frame) => frame),
)

function replyWith(damage: Damage, cuts: readonly number[]): (request: RawRequest) => void {
  return (request) => {
    const bytes = damage(mbapFrame(request.id, request.unit, slave.honestPdu(request)))
    let start = 0
    for (const cut of [...cuts, bytes.length].filter((at) => at <= bytes.length).sort((a, b) => a - b)) {
      if (cut > start) request.send(bytes.subarray(start, cut))
      start = Math.max(start, cut)
    }
  }
}

/** One poll against one behaviour. It must end, with true values or with a TelemetryError. */
async function pollOnce(behaviour: (request: RawRequest) => void): Promise<void> {
  slave.behaviour = behaviour
  await unit.device.connect(NEVER)
  const sink = new RecordingSink()
  let isOver = false
  const polling = unit.device.poll(0, sink, NEVER).then(
    () => null,
    (error: unknown) => error,
  )
  void polling.finally(() => (isOver = true))
  for (let turn = 0; turn < 12 && !isOver; turn++) await unit.clock.advance(TIMEOUT_MS / 8)
  expect(isOver).toBe(true)
  const error = await polling
  expect(error === null || isTelemetryError(error)).toBe(true)
  for (const value of sink.values) expect(value).toBe(WORD)
  if (error === null) expect([...sink.results.keys()]).toEqual(ADDRESSES)
}

it('gives the true values or a TelemetryError, and always an end, whatever comes', async () => {
  await fc.assert(
    fc.asyncProperty(damages, fc.array(fc.nat(40), { maxLength: 3 }), async (damage, cuts) => {
      await pollOnce(replyWith(damage, cuts))
    }),
    { numRuns: 400 },
  )
})

it('does not grow', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = (): number => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const sample = fc.sample(damages, { numRuns: 100, seed: 7 })
  const round = async (): Promise<void> => {
    for (const damage of sample) await pollOnce(replyWith(damage, []))
    slave.requests.length = 0
    unit.context.lostCauses.length = 0
  }
  await round()
  const before = used()
  for (let turn = 0; turn < 8; turn++) await round()
  expect(used() - before).toBeLessThan(4 * 1024 * 1024)
}, 120_000)
