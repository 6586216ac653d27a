// The OPC UA driver in the suites of all drivers: polling a real server, and hearing from it, through a wire that misbehaves.

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll } from 'vitest'
import type { UAVariable } from 'node-opcua-address-space'
import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import { DataType, setLogLevel, StatusCodes } from 'node-opcua-client'
import { OPCUAServer } from 'node-opcua-server'
import { opcuaDriver } from '#drivers/opcua/driver.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { systemClock } from '#kit/clock.ts'
import { describeDriverContract, type Behaviour, type ContractPeer } from '#test/contract/driver-contract.ts'
import { describeSendingDriverContract, type SendingPeer } from '#test/contract/sending-driver-contract.ts'
import { Folder, freePort, NAMESPACE, setupOf } from './bench.ts'

const TIMEOUT_MS = 1000
const SENSORS = 5
const GARBAGE = Buffer.from('\x00\x07\xff\xfeSSH-2.0-nonsense\r\n'.repeat(20), 'latin1')
const folder = new Folder()
const variables: UAVariable[] = []
let serving: Promise<{ server: OPCUAServer; port: number }> | null = null

async function serve(): Promise<{ server: OPCUAServer; port: number }> {
  setLogLevel(0)
  const serverCertificateManager = new OPCUACertificateManager({ rootFolder: folder.at('server') })
  await serverCertificateManager.initialize()
  const port = await freePort()
  const server = new OPCUAServer({
    port,
    serverCertificateManager,
    maxConnectionsPerEndpoint: 200,
    serverCapabilities: { maxSessions: 200 },
  })
  await server.initialize()
  const space = server.engine.addressSpace!
  const namespace = space.registerNamespace(NAMESPACE)
  for (let index = 0; index < SENSORS; index++) {
    const place = { organizedBy: space.rootFolder.objects, nodeId: `s=Line1.V${index}` }
    variables.push(namespace.addVariable({ ...place, browseName: `V${index}`, dataType: DataType.Double }))
  }
  await server.start()
  return { server, port }
}

afterAll(async () => {
  await (await serving)?.server.shutdown(0)
  folder.remove()
})

/** A wire to the server. */
class OpcuaPeer implements ContractPeer {
  readonly port: number
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  #listener: Server | null = null
  #behaviour: Behaviour = 'well'
  #late: (() => void)[] = []
  #round = 0
  #request = Promise.withResolvers<void>()

  constructor(port: number, target: number) {
    this.port = port
    this.#target = target
  }

  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour
  }

  changeValues(): ReadonlyMap<SensorNumber, Value> {
    this.#round += 1
    const values = variables.map((_, sensor) => this.#round * 1000 + sensor)
    for (const [sensor, value] of values.entries()) {
      variables[sensor]!.setValueFromSource({ dataType: DataType.Double, value }, StatusCodes.Good, new Date())
    }
    return new Map(values.map((value, sensor) => [sensor, value]))
  }

  releaseLateAnswers(): void {
    for (const send of this.#late.splice(0)) send()
  }

  nextRequest(): Promise<void> {
    return this.#request.promise
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  openConnections(): number {
    return this.#sockets.size
  }

  async stop(): Promise<void> {
    this.hangUp()
    const listener = this.#listener
    this.#listener = null
    if (listener === null) return
    listener.close()
    await once(listener, 'close')
  }

  async restart(): Promise<void> {
    this.#listener = createServer((client) => this.#join(client)).listen(this.port, '127.0.0.1')
    await once(this.#listener, 'listening')
  }

  #join(client: Socket): void {
    this.#sockets.add(client)
    const server = connect(this.#target, '127.0.0.1')
    client
      .on('error', () => {})
      .on('close', () => {
        this.#sockets.delete(client)
        server.destroy()
      })
    server.on('error', () => {}).on('close', () => client.destroy())
    client.on('data', (bytes) => {
      this.#request.resolve()
      this.#request = Promise.withResolvers()
      if (this.#behaviour === 'hangsUp') client.destroy()
      else if (this.#behaviour === 'garbage') client.write(GARBAGE)
      else if (this.#behaviour !== 'silent') server.write(bytes)
    })
    server.on('data', (bytes) => {
      if (this.#behaviour === 'well') client.write(bytes)
      else if (this.#behaviour === 'halfAnswers') client.write(bytes.subarray(0, bytes.length >> 1))
      else if (this.#behaviour === 'late') this.#late.push(() => client.write(bytes))
    })
  }
}

describeDriverContract({
  name: 'OPC UA, mode poll',
  timeoutMs: TIMEOUT_MS,
  createDriver: (clock) => opcuaDriver({ clock, pkiDir: folder.at('client') }),
  startPeer: async () => {
    serving ??= serve()
    const peer = new OpcuaPeer(await freePort(), (await serving).port)
    await peer.restart()
    return peer
  },
  setup: (peer) => {
    if (!(peer instanceof OpcuaPeer)) throw new Error('Not this peer')
    const endpoint = `opc.tcp://127.0.0.1:${peer.port}`
    const sensors = variables.map((_, index) => ({ name: `V${index}` }))
    return setupOf({ endpoint, sensors, config: { mode: 'poll' }, connection: { timeout: TIMEOUT_MS } })
  },
})

/** The same server as a source that sends by itself: a subscription tells each change of the first variable. */
class ChangingPeer implements SendingPeer {
  readonly wire: OpcuaPeer

  constructor(wire: OpcuaPeer) {
    this.wire = wire
  }

  send(value: number): Promise<void> {
    variables[0]!.setValueFromSource({ dataType: DataType.Double, value }, StatusCodes.Good, new Date())
    return Promise.resolve()
  }

  readonly sendGarbage = (): Promise<void> => {
    variables[0]!.setValueFromSource({ dataType: DataType.Double, value: 13 }, StatusCodes.BadSensorFailure, new Date())
    return Promise.resolve()
  }

  readonly stop = (): Promise<void> => this.wire.stop()

  restart(): Promise<void> {
    return this.wire.restart()
  }

  close(): Promise<void> {
    return this.wire.stop()
  }
}

describeSendingDriverContract({
  name: 'OPC UA, mode subscribe',
  createDriver: () => opcuaDriver({ clock: systemClock, pkiDir: folder.at('client') }),
  startPeer: async () => {
    serving ??= serve()
    const wire = new OpcuaPeer(await freePort(), (await serving).port)
    await wire.restart()
    const peer = new ChangingPeer(wire)
    await peer.sendGarbage() // a subscription begins with the present value: here there is none
    return peer
  },
  setup: (peer) => {
    if (!(peer instanceof ChangingPeer)) throw new Error('Not this peer')
    const endpoint = `opc.tcp://127.0.0.1:${peer.wire.port}`
    const config = { mode: 'subscribe', publishInterval: 50 } as const
    return setupOf({ endpoint, sensors: [{ name: 'V0' }], config, connection: { timeout: 5000 } })
  },
})
