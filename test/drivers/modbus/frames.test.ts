// The wire recorder of a device: what it keeps, and that a recording can stand in for the device.

import { afterEach, describe, expect, it } from 'vitest'
import { frameShape } from '#api/shapes/device-shape.ts'
import type { ModbusSensorConfig } from '#drivers/modbus/schema.ts'
import { framesFromJson, ModbusReplay } from '#simulate/modbus-replay.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { RawRtuSlave, serialFrame } from '#test/sim/raw-rtu-slave.ts'
import { RecordingSink } from '#test/sim/recording-sink.ts'
import { holdings, NEVER, testDevice, TIMEOUT_MS, type TestDevice } from './modbus-device.ts'

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})
function stopped<T extends { stop(): Promise<void> }>(thing: T): T {
  cleanUps.push(() => thing.stop())
  return thing
}
async function connected(unit: TestDevice): Promise<TestDevice> {
  cleanUps.push(() => unit.device.close())
  await unit.device.connect(NEVER)
  return unit
}

const hexOf = (unit: TestDevice): string[] =>
  unit.device.frames!().map(({ direction, bytes }) => `${direction} ${Buffer.from(bytes).toString('hex')}`)

describe('a device keeps the frames of its wire', () => {
  it('over Modbus TCP, whole, with what came too late, and over its connections', async () => {
    const slave = stopped(await RawModbusSlave.start())
    slave.words[4] = 0x1234
    const unit = await connected(testDevice({ port: slave.port, sensors: holdings(4), unit: 17 }))
    await unit.poll()
    await unit.device.close()
    await unit.device.connect(NEVER)
    slave.behaviour = (request) => request.send(Buffer.from([request.id >> 8, request.id, 0, 0, 0])) // half a header
    const asked = slave.nextRequest()
    const failed = expect(unit.device.poll(0, new RecordingSink(), NEVER)).rejects.toMatchObject({ code: 'PROTOCOL' })
    await asked
    await unit.clock.advance(TIMEOUT_MS)
    await failed
    expect(hexOf(unit)).toEqual([
      'sent 000100000006110300040001',
      'received 0001000000051103021234',
      'sent 000100000006110300040001',
      'received 0001000000',
    ])
  })

  it('over RTU, each of its own unit only', async () => {
    const slave = stopped(await RawRtuSlave.start())
    const connection = { transport: 'rtu-over-tcp', host: '127.0.0.1', port: slave.port } as const
    const one = await connected(testDevice({ sensors: holdings(0), connection: { ...connection, unit: 1 } }))
    const shared = { driver: one.driver, clock: one.clock }
    const two = await connected(testDevice({ ...shared, sensors: holdings(0), connection: { ...connection, unit: 2 } }))
    await Promise.all([one.poll(), two.poll()])
    const request = (unit: number): string => serialFrame(unit, Buffer.from([3, 0, 0, 0, 1])).toString('hex')
    const answer = (unit: number): string => serialFrame(unit, Buffer.from([3, 2, 0, 0])).toString('hex')
    for (const [number, unit] of [one, two].entries()) {
      expect(hexOf(unit)).toEqual([`sent ${request(number + 1)}`, `received ${answer(number + 1)}`])
    }
  })
})

interface Asked {
  readonly functionCode: number
  readonly address: number
  readonly quantity: number
}

/** Holding register 300 is refused. */
async function refusingSlave(transport: 'tcp' | 'rtu-over-tcp'): Promise<RawModbusSlave | RawRtuSlave> {
  const isRefused = ({ functionCode, address, quantity }: Asked): boolean =>
    functionCode === 3 && address <= 300 && address + quantity > 300
  const refusal = Buffer.from([0x83, 2])
  if (transport === 'tcp') {
    const slave = await RawModbusSlave.start()
    slave.behaviour = (request) => (isRefused(request) ? request.reply(refusal) : slave.answer(request))
    return slave
  }
  const slave = await RawRtuSlave.start()
  slave.behaviour = (request) => (isRefused(request) ? request.reply(refusal) : slave.answer(request))
  return slave
}

describe('a recording stands in for the device that it was made from', () => {
  const sensors: ModbusSensorConfig[] = [
    ...holdings(0, 1, 2, 40),
    { register: 'input', address: 8, type: 'uint64' },
    { register: 'coil', address: 3 },
    { register: 'holding', address: 300 },
  ]
  const resultsOf = (sink: RecordingSink) => sensors.map((_, sensor) => sink.only(sensor))

  for (const transport of ['tcp', 'rtu-over-tcp'] as const) {
    it(`over ${transport}: the same values and the same refusals, poll after poll`, async () => {
      const slave = stopped(await refusingSlave(transport))
      const on = (port: number) =>
        connected(testDevice({ sensors, connection: { transport, host: '127.0.0.1', port } }))
      const original = await on(slave.port)
      const expected = []
      for (let turn = 1; turn <= 3; turn++) {
        for (let address = 0; address < 64; address++) slave.words[address] = turn * 100 + address
        expected.push(resultsOf(await original.poll()))
      }
      expect(expected[0]!.at(-1)).toEqual({ bad: 'BadNodeIdUnknown' })
      // As the API shows it.
      const json = JSON.parse(JSON.stringify({ items: original.device.frames!().map(frameShape) })) as Parameters<
        typeof framesFromJson
      >[0]
      const replay = stopped(await ModbusReplay.start(transport === 'tcp' ? 'tcp' : 'rtu', framesFromJson(json)))
      const copy = await on(replay.port)
      for (const results of expected) expect(resultsOf(await copy.poll())).toEqual(results)
      expect(replay.unknown).toEqual([])
    })
  }
})
