// `telemetryx scan`: looks for what could be a sensor and prints YAML that is ready to paste. One subcommand for each kind
// of driver, in a file of its own: scan-modbus.ts, scan-opcua.ts, scan-serial.ts.

import type { Command } from 'commander'
import { registerScanModbus } from './scan-modbus.ts'
import { registerScanOpcua } from './scan-opcua.ts'
import { registerScanSerial } from './scan-serial.ts'

export function registerScan(program: Command): void {
  const scan = program
    .command('scan')
    .summary('find sensors on a device and print them as configuration')
    .description('Looks at a device and prints the sensors that it finds as YAML, to be pasted below "devices:".')
  registerScanModbus(scan)
  registerScanOpcua(scan)
  registerScanSerial(scan)
}
