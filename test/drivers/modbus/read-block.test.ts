// A block of a device's tables as it is: for people who look for the right address.

import { afterEach, describe, expect, it } from 'vitest'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { holdings, NEVER, testDevice } from './modbus-device.ts'

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function begin() {
  const slave = await RawModbusSlave.start()
  cleanUps.push(() => slave.stop())
  const unit = testDevice({ port: slave.port, sensors: holdings(0), unit: 3 })
  cleanUps.push(() => unit.device.close())
  await unit.device.connect(NEVER)
  return { slave, device: unit.device }
}

describe('a block that is read beside the points', () => {
  it('holds the registers as they came, of the device or of another unit on its wire', async () => {
    const { slave, device } = await begin()
    slave.words[500] = 0x1234
    slave.words[501] = 0xabcd
    const units: number[] = []
    slave.behaviour = (request) => {
      units.push(request.unit)
      slave.answer(request)
    }
    const block = { table: 'holding', address: 500, count: 2, unit: null } as const
    expect(Buffer.from(await device.readBlock!(block, NEVER)).toString('hex')).toBe('1234abcd')
    expect(Buffer.from(await device.readBlock!({ ...block, unit: 9 }, NEVER)).toString('hex')).toBe('1234abcd')
    expect(units).toEqual([3, 9])
  })

  it('says what the device refuses, and asks for nothing that cannot be', async () => {
    const { slave, device } = await begin()
    slave.behaviour = (request) => {
      const answer = Buffer.from([request.id >> 8, request.id & 255, 0, 0, 0, 3, request.unit, 0x83, 2])
      request.send(answer)
    }
    const block = { table: 'holding', address: 0, count: 1, unit: null } as const
    await expect(device.readBlock!(block, NEVER)).rejects.toMatchObject({
      code: 'DEVICE_EXCEPTION',
      message: 'Unit 3 refuses: exception 2, illegal data address',
    })
    for (const wrong of [{ count: 126 }, { count: 0 }, { address: 65_535, count: 2 }, { unit: 256 }])
      await expect(device.readBlock!({ ...block, ...wrong }, NEVER)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
  })
})
