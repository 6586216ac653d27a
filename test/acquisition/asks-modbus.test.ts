// Looking at registers through the running acquisition, over the real Modbus driver and a real socket.

import { describe, expect, it, onTestFinished } from 'vitest'
import { createAcquisition, type Acquisition } from '#acquisition/acquisition.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { aSensor } from './harness.ts'

const NEVER = new AbortController().signal
const BLOCK = { table: 'holding', address: 700, count: 2, unit: null } as const

async function begin(): Promise<{ slave: RawModbusSlave; acquisition: Acquisition; read: () => number | undefined }> {
  const slave = await RawModbusSlave.start()
  let value: number | undefined
  const point = {
    sensor: aSensor({ number: 0, id: 'u.s', device: 'u' }),
    config: { register: 'holding', address: 0, type: 'uint16' },
  }
  const config = { connection: { host: '127.0.0.1', port: slave.port, unit: 1, timeout: 1000 } }
  const acquisition = createAcquisition({
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    random: Math.random,
    sink: {
      number: (_sensor, given) => void (value = given),
      integer: () => {},
      text: () => {},
      bad: () => {},
    },
    hasRoom: () => true,
    sensorQuality: () => null,
    devices: [
      {
        setup: { id: 'u', config, groups: [{ intervalMs: 100, points: [point] }] },
        driver: modbusDriver({ clock: systemClock }),
        machine: 'm',
      },
    ],
  })
  onTestFinished(async () => {
    await acquisition.stop(AbortSignal.timeout(5000))
    await slave.stop()
  })
  await acquisition.start(NEVER)
  await expect.poll(() => acquisition.get('u')?.state, EVENTUALLY).toBe('up')
  return { slave, acquisition, read: () => value }
}

describe('a block that is read through the running device', () => {
  it('comes between its polls, which go on, one at a time', async () => {
    const { slave, acquisition, read } = await begin()
    slave.words[700] = 0x1234
    slave.words[701] = 0xabcd
    const both = await Promise.allSettled([
      acquisition.readBlock('u', BLOCK, NEVER),
      acquisition.readBlock('u', BLOCK, NEVER),
    ])
    expect(both[0]).toMatchObject({ status: 'fulfilled', value: Uint8Array.of(0x12, 0x34, 0xab, 0xcd) })
    expect(both[1]).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } })
    slave.words[0] = 77
    await expect.poll(read, EVENTUALLY).toBe(77)
    expect(slave.accepted).toBe(1)
    expect(acquisition.get('u')!.errors).toEqual({})
  })

  it('leaves the device up when it refuses the addresses, and says so', async () => {
    const { slave, acquisition } = await begin()
    slave.behaviour = (request) => {
      if (request.pdu.readUInt16BE(1) !== BLOCK.address) return slave.answer(request)
      request.send(Buffer.from([request.id >> 8, request.id & 255, 0, 0, 0, 3, request.unit, 0x83, 2]))
    }
    await expect(acquisition.readBlock('u', BLOCK, NEVER)).rejects.toMatchObject({ code: 'DEVICE_EXCEPTION' })
    expect(acquisition.get('u')!.state).toBe('up')
    await expect(acquisition.readBlock('nope', BLOCK, NEVER)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
