// The process of one simulated OPC UA server. Talks by IPC: gets OpcuaStart, then values and whether to listen; tells what was
// written. Ends with its parent. Started by opcua-server.ts.

import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import { DataType, MessageSecurityMode, SecurityPolicy, setLogLevel, StatusCodes, Variant } from 'node-opcua-client'
import type { UAVariable } from 'node-opcua-address-space'
import { OPCUAServer } from 'node-opcua-server'
import type { OpcuaStart, ToOpcuaProcess } from './opcua-server.ts'
import type { PointValue } from './points.ts'

export const SIMULATION_NAMESPACE = 'urn:telemetryx:simulation'

const TYPES = {
  double: DataType.Double,
  float: DataType.Float,
  int32: DataType.Int32,
  uint32: DataType.UInt32,
  boolean: DataType.Boolean,
  string: DataType.String,
} as const

setLogLevel(0)
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group; the parent ends us in its turn.
process.on('SIGINT', () => {})

let running: OPCUAServer | null = null
let variables = new Map<string, { variable: UAVariable; type: keyof typeof TYPES }>()
let start: OpcuaStart | null = null
let last: Readonly<Record<string, PointValue>> = {}
/** One change after the other: a server must not be started while it is being shut down. */
let changing: Promise<void> = Promise.resolve()

process.on('message', (message: ToOpcuaProcess) => {
  if ('start' in message) {
    start = message.start
    last = message.start.values
    queue(async () => {
      await listen()
      process.send?.({ listening: running?.getEndpointUrl() ?? '' })
    })
  } else if ('values' in message) {
    last = { ...last, ...message.values }
    give(message.values, message.isBad)
  } else if (message.isListening) queue(listen)
  else queue(hangUp)
})

function queue(change: () => Promise<void>): void {
  changing = changing.then(change).catch((error: unknown) => {
    process.send?.({ failed: error instanceof Error ? error.message : String(error) })
  })
}

async function hangUp(): Promise<void> {
  await running?.shutdown(0)
  running = null
}

async function listen(): Promise<void> {
  if (running !== null || start === null) return
  const manager = (rootFolder: string): OPCUACertificateManager =>
    new OPCUACertificateManager({ rootFolder, automaticallyAcceptUnknownCertificate: true })
  const [serverCertificateManager, userCertificateManager] = [manager(start.pki), manager(`${start.pki}-users`)]
  await serverCertificateManager.initialize()
  await userCertificateManager.initialize()
  const server = new OPCUAServer({
    port: start.port,
    hostname: '127.0.0.1',
    serverCertificateManager,
    userCertificateManager,
    securityModes: [MessageSecurityMode.None],
    securityPolicies: [SecurityPolicy.None],
    allowAnonymous: true,
    maxConnectionsPerEndpoint: 10,
    serverCapabilities: { minSupportedSampleRate: 0 },
  })
  await server.initialize()
  addVariables(server, start)
  await server.start()
  // A free port that was found once stays: clients come back to it.
  start = { ...start, port: Number(new URL(server.getEndpointUrl()).port) }
  running = server
}

function addVariables(server: OPCUAServer, { device, points }: OpcuaStart): void {
  const space = server.engine.addressSpace!
  const namespace = space.registerNamespace(SIMULATION_NAMESPACE)
  const folder = namespace.addFolder(space.rootFolder.objects, { browseName: device, nodeId: `s=${device}` })
  variables = new Map()
  for (const { id, type, unit, isWritable } of points) {
    const access = isWritable ? 'CurrentRead | CurrentWrite' : 'CurrentRead'
    const variable = namespace.addVariable({
      componentOf: folder,
      browseName: id,
      nodeId: `s=${device}.${id}`,
      dataType: TYPES[type],
      description: unit,
      accessLevel: access,
      userAccessLevel: access,
      minimumSamplingInterval: 0,
    })
    variable.on('value_changed', (value) => {
      const written = value.value.value as PointValue
      if (isWritable && written !== last[id]) process.send?.({ written: [id, written] })
    })
    variables.set(id, { variable, type })
  }
  give(last, false)
}

function give(values: Readonly<Record<string, PointValue>>, isBad: boolean): void {
  const now = new Date()
  for (const [id, value] of Object.entries(values)) {
    const known = variables.get(id)
    if (known === undefined) continue
    const { variable, type } = known
    const variant = new Variant({ dataType: TYPES[type], value: fitted(value, type) })
    variable.setValueFromSource(variant, isBad ? StatusCodes.BadDeviceFailure : StatusCodes.Good, now)
  }
}

function fitted(value: PointValue, type: keyof typeof TYPES): PointValue {
  switch (type) {
    case 'boolean':
      return typeof value === 'number' ? value >= 0.5 : Boolean(value)
    case 'string':
      return String(value)
    case 'int32':
      return Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), Math.round(Number(value))))
    case 'uint32':
      return Math.min(2 ** 32 - 1, Math.max(0, Math.round(Number(value))))
    case 'double':
    case 'float':
      return Number(value)
  }
}
