// Finding ports and their settings, from files, bytes and by the command.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import { judgeBytes } from '#drivers/serial/guess-settings.ts'
import { listPorts } from '#drivers/serial/list-ports.ts'
import { bestRate } from '#drivers/serial/listen.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { telemetryx } from '#test/cli/run-command.ts'
import { hasSocat, SerialPty } from '#test/sim/serial-pty.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

describe('the ports of a machine', () => {
  it('are those with a device, with the names of their adapters', async () => {
    const root = mkdtempSync(join(tmpdir(), 'telemetryx-ports-'))
    const usb = join(root, 'sys/devices/usb1/1-2')
    mkdirSync(join(usb, '1-2:1.0/ttyUSB0'), { recursive: true })
    for (const [file, text] of Object.entries({
      idVendor: '0403\n',
      manufacturer: 'FTDI\n',
      product: 'FT232R\n',
      serial: 'A5X\n',
    }))
      writeFileSync(join(usb, file), text)
    for (const name of ['ttyUSB0', 'tty1', 'ttyS0', 'ttyS1'])
      mkdirSync(join(root, 'sys/class/tty', name), { recursive: true })
    symlinkSync(join(usb, '1-2:1.0/ttyUSB0'), join(root, 'sys/class/tty/ttyUSB0/device'))
    mkdirSync(join(root, 'sys/devices/serial'), { recursive: true })
    for (const [name, type] of [
      ['ttyS0', '4'],
      ['ttyS1', '0'],
    ] as const) {
      symlinkSync(join(root, 'sys/devices/serial'), join(root, 'sys/class/tty', name, 'device'))
      writeFileSync(join(root, 'sys/class/tty', name, 'type'), `${type}\n`)
    }
    mkdirSync(join(root, 'dev/serial/by-id'), { recursive: true })
    symlinkSync('../../ttyUSB0', join(root, 'dev/serial/by-id/usb-FTDI_FT232R_A5X-if00-port0'))

    const ports = await listPorts(root)
    expect(ports.map(({ path }) => path)).toEqual(['/dev/ttyS0', '/dev/ttyUSB0'])
    expect(ports[1]).toEqual({
      path: '/dev/ttyUSB0',
      byId: '/dev/serial/by-id/usb-FTDI_FT232R_A5X-if00-port0',
      manufacturer: 'FTDI',
      product: 'FT232R',
      serialNumber: 'A5X',
    })
    rmSync(root, { recursive: true })
  })

  it('are none where there is no /sys', async () => {
    expect(await listPorts('/no-such-root')).toEqual([])
  })
})

describe('what was heard', () => {
  const withParity = (text: string, parity: 0 | 1): Uint8Array =>
    bytes(text).map((byte) => {
      const ones = byte.toString(2).replaceAll('0', '').length
      return ones % 2 === parity ? byte : byte | 0x80
    })

  it('is readable at the right settings, with its delimiter and a sample', () => {
    expect(judgeBytes(bytes('kg\r\nS 1.5 kg\r\nS 1'))).toMatchObject({
      printable: 1,
      parity: 'none',
      delimiter: '\r\n',
      sample: 'S 1.5 kg',
    })
  })

  it('shows seven data bits by the parity of every byte', () => {
    const text = 'ST,GS,  12.34 kg\r\n'
    expect(judgeBytes(withParity(text, 0))).toMatchObject({ parity: 'even', printable: 1 })
    expect(judgeBytes(withParity(text, 1))).toMatchObject({ parity: 'odd', printable: 1 })
  })

  it('is best where most is readable, and nowhere when all is noise or silence', () => {
    const noise = Uint8Array.from({ length: 200 }, (_, i) => (i * 97) & 0xff)
    const at = (baudRate: number, received: Uint8Array) => ({ baudRate, ...judgeBytes(received) })
    expect(bestRate([at(1200, noise), at(9600, bytes('S 1 kg\r\n')), at(4800, new Uint8Array())])?.baudRate).toBe(9600)
    expect(bestRate([at(1200, noise), at(4800, new Uint8Array())])).toBeUndefined()
  })
})

it.skipIf(!hasSocat)(
  'telemetryx scan serial --listen prints a device that the gateway accepts (needs socat)',
  async () => {
    const pty = await SerialPty.start()
    const speaking = setInterval(() => pty.send('S 1.5 kg\r\n'), 20)
    const outcome = await telemetryx([
      'scan',
      'serial',
      '--listen',
      pty.path,
      '--seconds',
      '0.5',
      '--baud',
      '9600,19200',
    ])
    clearInterval(speaking)
    await pty.stop()
    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toContain('19200 baud')
    expect(outcome.stdout).toContain('For example: S 1.5 kg')
    const driver = serialDriver({ clock: new ManualClock() })
    const catalogue = { drivers: new Map([[driver.kind, driver]]), uplinks: new Map() }
    const text = `version: 1\ngateway: { id: edge-01, factory: A }\ndevices:\n${outcome.stdout}`
    expect(parseGatewayConfig(text, { file: 'x.yaml', catalogue, env: {} })).toMatchObject({ ok: true })
  },
  30_000,
)
