// `telemetryx scan modbus` against slaves of other implementations, by TCP and over a line; what it prints passes `check`.

import { afterEach, describe, expect, it } from 'vitest'
import { main } from '#cli/main.ts'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'
import { hasLibmodbus, hasPymodbus, startLibmodbusSlave, startPymodbusSlave } from '#test/sim/modbus-peers.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { SerialLine } from '#test/sim/serial-line.ts'
import { hasSocat } from '#test/sim/serial-pty.ts'
import { printedBy } from '#test/cli/run-command.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function scan(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return printedBy(() => main(['scan', 'modbus', ...args, '--pause', '1ms']))
}

function devicesIn(yaml: string) {
  const text = `version: 1\ngateway: { id: edge-01, factory: Plant A }\ndevices:\n${yaml}`
  const parsed = parseGatewayConfig(text, {
    file: 'x.yaml',
    catalogue: createCatalogue({ clock: systemClock }),
    env: {},
  })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.config.devices.map(({ id, config, sensors }) => ({
    id,
    config,
    sensors: sensors.map((sensor) => sensor.id),
  }))
}

describe('telemetryx scan modbus', () => {
  it.skipIf(!hasPymodbus)(
    'finds the units of a pymodbus slave, their names and what they hold (needs pymodbus)',
    async () => {
      const slave = await startPymodbusSlave([1, 7])
      closers.push(() => slave.stop())
      await slave.set('holding', 20, [602, 0x4248, 0], 7)
      await slave.set('coil', 5, [1], 7)
      const where = `127.0.0.1:${slave.port}`
      const { code, stdout, stderr } = await scan(
        where,
        '--units',
        '1,7,9',
        '--addresses',
        '1900-2100',
        '--timeout',
        '2s',
      )
      expect(code).toBe(0)
      expect(stdout).toContain('# holding 1900–1999 can be read (41901–42000 in manuals that count from 1)')
      expect(stdout).toMatch(/# pymodbus · P{60} · 3\.0 · U{90}/) // function 43
      expect(stderr).toContain('2 units of 3 asked')
      expect(devicesIn(stdout).map(({ id }) => id)).toEqual([
        '127-0-0-1-' + slave.port + '-unit-1',
        '127-0-0-1-' + slave.port + '-unit-7',
      ])
      const low = await scan(where, '--units', '7', '--addresses', '0-99', '--tables', 'holding,coil')
      expect(low.stdout).toContain('{ id: holding-20, register: holding, address: 20 } # 602')
      expect(low.stdout).toContain('address: 21 } # 16968; float32 ABCD would be 50')
      expect(devicesIn(low.stdout)[0]).toMatchObject({
        sensors: ['holding-0', 'holding-20', 'holding-21', 'coil-0', 'coil-5'],
      })
    },
  )

  it.skipIf(!hasLibmodbus)(
    'takes a libmodbus slave that answers for every unit as one device (needs libmodbus)',
    async () => {
      const slave = await startLibmodbusSlave()
      closers.push(() => slave.stop())
      await slave.set('input', 1999, [7])
      const { code, stdout } = await scan(
        `127.0.0.1:${slave.port}`,
        '--addresses',
        '1950-2050',
        '--timeout',
        '10s',
        '--json',
      )
      expect(code).toBe(0)
      const found = JSON.parse(stdout) as {
        ignoresUnit: boolean
        units: { unit: number; identification: unknown; tables: object[] }[]
      }
      expect(found.ignoresUnit).toBe(true)
      expect(found.units).toHaveLength(1)
      for (const table of found.units[0]!.tables)
        expect(table).toMatchObject({ isAbsent: false, areas: [{ from: 1950, to: 1999 }] })
      expect(found.units[0]!.tables[1]).toMatchObject({ table: 'input', areas: [{ values: { 49: 7 } }] })
    },
  )

  it.skipIf(!hasPymodbus || !hasSocat)(
    'finds a pymodbus unit on a serial line (needs pymodbus and socat)',
    async () => {
      const line = await SerialLine.pair()
      closers.push(() => line.remove())
      const slave = await startPymodbusSlave([3], line.farPath)
      closers.push(() => slave.stop())
      await slave.set('holding', 4, [1234], 3)
      const args = [line.path, '--baud', '19200', '--units', '2-3', '--addresses', '0-30', '--timeout', '1s']
      const { code, stdout, stderr } = await scan(...args, '--tables', 'holding')
      expect([code, stderr]).toEqual([0, expect.stringContaining('unit 3: holding 0–30')])
      expect(stdout).toMatch(/# pymodbus · P{60} · 3\.0 · U{90}/)
      expect(devicesIn(stdout)[0]).toMatchObject({
        config: { connection: { transport: 'rtu', path: line.path, baudRate: 19_200, unit: 3 } },
        sensors: ['holding-0', 'holding-4'],
      })
    },
  )

  it.skipIf(!hasLibmodbus || !hasSocat)(
    'finds a libmodbus unit on a serial line (needs libmodbus and socat)',
    async () => {
      const line = await SerialLine.pair()
      closers.push(() => line.remove())
      const slave = await startLibmodbusSlave({ path: line.farPath, unit: 5 })
      closers.push(() => slave.stop())
      await slave.set('coil', 3, [1])
      const { stdout } = await scan(
        line.path,
        '--baud',
        '19200',
        '--units',
        '4-5',
        '--addresses',
        '0-20',
        '--timeout',
        '1s',
      )
      expect(devicesIn(stdout)).toMatchObject([{ sensors: ['holding-0', 'input-0', 'coil-0', 'coil-3', 'discrete-0'] }])
    },
  )

  it('sends reads and function 43 only, stays within the range, and learns how much is answered at once', async () => {
    const slave = await RawModbusSlave.start()
    closers.push(() => slave.stop())
    slave.behaviour = (request) => {
      const isTooLong = request.functionCode === 3 && request.quantity > 20
      const isOutside = request.address < 40 || request.address + request.quantity > 90
      if (request.functionCode === 43) request.reply(Buffer.from([0xab, 1]))
      else if (request.functionCode === 4) request.reply(Buffer.from([0x84, 1]))
      else if (isTooLong || isOutside) request.reply(Buffer.from([request.functionCode | 0x80, isTooLong ? 3 : 2]))
      else slave.answer(request)
    }
    const { stdout, stderr } = await scan(
      `127.0.0.1:${slave.port}`,
      '--units',
      '1',
      '--addresses',
      '0-120',
      '--tables',
      'holding,input',
    )
    expect(stderr).toContain('unit 1: holding 40–89\n')
    expect(stdout).toContain('reads: { maxRegisters: 20 }')
    const reads = slave.requests.filter(({ functionCode }) => functionCode !== 43)
    expect(new Set(reads.map(({ functionCode }) => functionCode))).toEqual(new Set([3, 4]))
    expect(Math.max(...reads.map(({ address, quantity }) => address + quantity))).toBeLessThanOrEqual(121)
  })

  it('says that nobody is there, and refuses what makes no sense', async () => {
    expect(await scan('127.0.0.1:9')).toMatchObject({ code: 69, stderr: expect.stringContaining('CONNECTION_FAILED') })
    expect(await scan('/dev/nowhere', '--units', '0-3')).toMatchObject({ code: 64 })
    expect(await scan('no place at all')).toMatchObject({ code: 64 })
    expect((await scan('127.0.0.1', '--units', '1-300')).code).toBe(64)
    expect((await scan('127.0.0.1', '--addresses', '9-3')).code).toBe(64)
    const slave = await RawModbusSlave.start()
    closers.push(() => slave.stop())
    slave.behaviour = () => {}
    const silent = await scan(`127.0.0.1:${slave.port}`, '--units', '1-3', '--timeout', '50ms')
    expect(silent).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('0 units of 3 asked') })
  })
})
