// Everything that the demo simulates, started: the press shop on Modbus TCP, and a machine for each further protocol that this
// machine can serve.

import { join } from 'node:path'
import { isTelemetryError, toTelemetryError } from '#domain/errors.ts'
import { systemClock } from '#kit/clock.ts'
import { DemoBroker } from '#simulate/broker.ts'
import { coolingFan, fillingLine, packingScale, type DemoMachine } from '#simulate/demo-plant.ts'
import { SimulationFiles } from '#simulate/files.ts'
import { hasOpcuaServer } from '#simulate/opcua-server.ts'
import { PressShop, pressShopDevices } from '#simulate/press-shop.ts'
import { Simulation } from '#simulate/simulation.ts'
import { freePort } from './free-port.ts'

const USUAL_MQTT_PORT = 1883
const USUAL_OPCUA_PORT = 4840

const PROTOCOLS: Readonly<Record<string, string>> = {
  modbus: 'Modbus TCP',
  opcua: 'OPC UA',
  serial: 'a serial line',
  mqtt: 'MQTT',
}

export interface DemoPlant {
  /** `devices:` of gateway.yaml. */
  readonly yaml: string
  readonly mqttPort: number
  readonly protocols: readonly string[]
  /** Protocols that are missing, each with the reason. */
  readonly missing: readonly string[]
  /** Starts what takes seconds and much of the processor: to be called once the gateway runs, which finds it when it is there. */
  startSlowOnes(): void
  stop(): Promise<void>
}

export interface DemoPlantOptions {
  readonly dataDir: string
  readonly faults: boolean
  /** Told when a machine could not be started after all. */
  readonly onFailure: (text: string) => void
}

/** Starts the machines, all but the slow ones. */
export async function startDemoPlant({ dataDir, faults, onFailure }: DemoPlantOptions): Promise<DemoPlant> {
  const shop = new PressShop({ clock: systemClock, seed: 1, faults })
  const broker = new DemoBroker()
  const simulations: Simulation[] = []
  const missing: string[] = []
  const starting: Promise<unknown>[] = []
  const slow: DemoMachine[] = []
  const stop = async (): Promise<void> => {
    await Promise.allSettled(starting)
    await Promise.all([shop.stop(), ...simulations.map((simulation) => simulation.stop())])
    await broker.close()
  }
  const run = ({ spec }: DemoMachine): Promise<unknown> => {
    const files = new SimulationFiles(dataDir)
    const simulation = new Simulation({ devices: [spec], seed: 1, clock: systemClock, files, dir: dataDir })
    simulations.push(simulation)
    return simulation.start()
  }
  try {
    const endpoints = await shop.start()
    const mqttPort = await broker.listen(await freePort(USUAL_MQTT_PORT))
    const machines: DemoMachine[] = []
    if (hasOpcuaServer()) {
      const line = fillingLine(await freePort(USUAL_OPCUA_PORT), { faults })
      machines.push(line)
      slow.push(line)
    } else missing.push('OPC UA: the package node-opcua-server is not installed')
    const scale = packingScale(join(dataDir, 'scale-port'), { faults })
    try {
      await run(scale)
      machines.push(scale)
    } catch (error) {
      if (!isTelemetryError(error, 'RUNTIME_MISSING')) throw error
      missing.push('a serial line: socat is not installed')
    }
    const fan = coolingFan(`mqtt://127.0.0.1:${mqttPort}`, { faults })
    await run(fan)
    machines.push(fan)
    const yaml = [pressShopDevices(endpoints).trimEnd(), ...machines.map((machine) => machine.yaml)].join('\n')
    const startSlowOnes = (): void => {
      for (const machine of slow.splice(0))
        starting.push(run(machine).catch((error: unknown) => onFailure(toTelemetryError(error).message)))
    }
    const protocols = [['modbus'], machines.map(({ spec }) => spec.protocol)]
      .flat()
      .map((word) => PROTOCOLS[word] ?? word)
    return { yaml, mqttPort, protocols, missing, startSlowOnes, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
