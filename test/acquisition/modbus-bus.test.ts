// Acquisition over the real Modbus driver and a real socket: the promises about one bus, in real time.

import { afterEach, describe, expect, it } from 'vitest'
import { createAcquisition, type AcquiredDevice, type Acquisition } from '#acquisition/acquisition.ts'
import { qualityOf, type Quality } from '#domain/quality.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { aSensor } from './harness.ts'

const UNITS = 20
const DEAD = new Set([3, 9, 15])

let slave: RawModbusSlave
let acquisition: Acquisition
const quality = new Map<number, Quality>()
const everBad = new Set<number>()

/** Twenty units behind one port, two sensors each at 500 ms, time limit 500 ms. */
async function begin(): Promise<void> {
  quality.clear()
  everBad.clear()
  slave = await RawModbusSlave.start()
  const driver = modbusDriver({ clock: systemClock })
  const devices = Array.from({ length: UNITS }, (_, unit): AcquiredDevice => {
    const points = [0, 1].map((n) => ({
      sensor: aSensor({ number: unit * 2 + n, id: `u${unit}.s${n}`, device: `u${unit}` }),
      config: { register: 'holding', address: n, type: 'uint16' },
    }))
    const config = { connection: { host: '127.0.0.1', port: slave.port, unit: unit + 1, timeout: 500 } }
    return { setup: { id: `u${unit}`, config, groups: [{ intervalMs: 500, points }] }, driver, machine: 'm' }
  })
  acquisition = createAcquisition({
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    random: Math.random,
    sink: {
      number: (sensor, _value, status) => void quality.set(sensor, qualityOf(status)),
      integer: () => {},
      text: () => {},
      bad: (sensor) => {
        quality.set(sensor, 'bad')
        everBad.add(sensor)
      },
    },
    hasRoom: () => true,
    sensorQuality: (sensor) => quality.get(sensor) ?? null,
    devices,
  })
  await acquisition.start(new AbortController().signal)
}

const healthy = () => acquisition.list().filter((_, unit) => !DEAD.has(unit))
const dead = () => acquisition.list().filter((_, unit) => DEAD.has(unit))
const stateOf = (devices: readonly { state: string }[]) => [...new Set(devices.map(({ state }) => state))]

describe('twenty Modbus units behind one connection', () => {
  afterEach(async () => {
    await acquisition.stop(AbortSignal.timeout(5000))
    await slave.stop()
  })

  it('keep their pace while three of them are dead, and those are taken back', async () => {
    await begin()
    slave.behaviour = (request) => (DEAD.has(request.unit - 1) ? undefined : slave.answer(request))
    await expect.poll(() => Math.min(...healthy().map(({ polls }) => polls)), EVENTUALLY).toBeGreaterThan(20)
    for (const { id, lagMs, badSensors } of healthy()) {
      expect(lagMs!.max, id).toBeLessThanOrEqual(1000)
      expect(badSensors, id).toBe(0)
    }
    expect(dead().map(({ state, badSensors }) => [state, badSensors])).toEqual([
      ['down', 2],
      ['down', 2],
      ['down', 2],
    ])
    expect(slave.accepted).toBe(1)
    slave.behaviour = slave.answer
    await expect.poll(() => stateOf(acquisition.list()), EVENTUALLY).toEqual(['up'])
  })

  it('are good again after the connection broke', async () => {
    await begin()
    await expect.poll(() => stateOf(acquisition.list()), EVENTUALLY).toEqual(['up'])
    everBad.clear()
    slave.hangUp()
    await expect.poll(() => everBad.size, EVENTUALLY).toBe(UNITS * 2)
    await expect.poll(() => [...new Set(quality.values())], EVENTUALLY).toEqual(['good'])
    expect(stateOf(acquisition.list())).toEqual(['up'])
    expect(slave.openConnections).toBe(1)
  })
})
