// A real gateway on a configuration file of its own, with two Modbus devices that answer: for the pages that set it up.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'
import { LineFaults } from '#simulate/line-faults.ts'
import { ModbusServer } from '#simulate/modbus-server.ts'
import { RegisterBank } from '#simulate/register-bank.ts'

export interface SetUpGateway {
  readonly url: string
  readonly setupUrl: string | null
  /** The configuration file. */
  readonly file: string
  /** Where the Modbus devices answer, on 127.0.0.1. */
  readonly modbusPort: number
  stop(): Promise<void>
}

export interface SetUpGatewayOptions {
  readonly dashboardDir: string
  readonly auth?: 'none' | 'required'
  /** Without any in the configuration: they are there, but nobody has told the gateway. */
  readonly isNew?: boolean
}

export async function startSetUpGateway({
  dashboardDir,
  auth = 'none',
  isNew = false,
}: SetUpGatewayOptions): Promise<SetUpGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'telemetryx-set-up-'))
  const bank = new RegisterBank()
  for (let address = 0; address < 20; address++) bank.setHolding(address, 100 + address)
  bank.identity = ['Example', 'Press control', '1.4']
  // 71.25 as float32, words swapped.
  bank.setHolding(30, 0x8000)
  bank.setHolding(31, 0x428e)
  const server = new ModbusServer(new Map([[1, { bank, faults: new LineFaults() }]]))
  const port = await server.listen(0)
  const file = join(folder, 'gateway.yaml')
  await writeFile(file, isNew ? head(auth) : head(auth) + devices(port))
  const catalogue = createCatalogue({ clock: systemClock })
  const loaded = await loadGatewayConfig(file, { catalogue, env: {} })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const gateway = await startGateway({
    config: loaded.config,
    source: { file, env: {}, loaded },
    catalogue,
    clock: systemClock,
    log: silentLogger,
    random: seededRandom(1),
    dashboardDir,
  })
  return {
    url: gateway.url,
    setupUrl: gateway.setupUrl,
    file,
    modbusPort: port,
    stop: async () => {
      await gateway.stop({ deadlineMs: 5000 })
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function head(auth: string): string {
  return `# The gateway of hall 3
version: 1
gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0, auth: ${auth} }
configuration: { watch: 5s }
`
}

function devices(port: number): string {
  return `
devices:
  # Hydraulics, left
  - id: press-1
    driver: modbus
    connection: { host: 127.0.0.1, port: ${port}, unit: 1 }
    poll: 1s
    sensors:
      - { id: oil-temperature, register: holding, address: 0, type: uint16, unit: degC }
      - { id: oil-pressure, register: holding, address: 1, type: uint16, unit: bar }

  - id: press-2
    driver: modbus
    connection: { host: 127.0.0.1, port: ${port}, unit: 1 }
    poll: 1s
    sensors:
      - { id: level, register: holding, address: 2, type: uint16 }
`
}
