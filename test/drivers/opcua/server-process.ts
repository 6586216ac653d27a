// A real OPC UA server in a process of its own: variables of every type, in a namespace whose index the caller chooses.
// Talks to the test by IPC: `{ set: [name, value] }`, `{ status: [name, code] }`, `{ ramp: ms }`; answers `{ done }`. Started with
// JSON in argv[2]: see ServerSettings.

import type { Namespace, UAVariable } from 'node-opcua-address-space'
import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import {
  DataType,
  MessageSecurityMode,
  SecurityPolicy,
  setLogLevel,
  StatusCodes,
  VariantArrayType,
  type StatusCode,
} from 'node-opcua-client'
import { OPCUAServer } from 'node-opcua-server'

export interface ServerSettings {
  readonly port: number
  readonly pki: string
  /** Namespaces registered before ours, so that its index changes. */
  readonly before?: number
  /** Further Double variables Bulk0 … */
  readonly bulk?: number
  readonly maxNodesPerRead?: number
  /** Only an unsecured endpoint. */
  readonly isPlain?: boolean
}

export const NAMESPACE = 'http://example.org/line'
const STAMP = new Date('2026-03-01T12:00:00.123Z')

const settings = JSON.parse(process.argv[2] ?? '{}') as ServerSettings
setLogLevel(0)
const variables = new Map<string, UAVariable>()

const serverCertificateManager = new OPCUACertificateManager({
  rootFolder: settings.pki,
  automaticallyAcceptUnknownCertificate: true,
})
const userCertificateManager = new OPCUACertificateManager({
  rootFolder: `${settings.pki}-users`,
  automaticallyAcceptUnknownCertificate: true,
})
await serverCertificateManager.initialize()
await userCertificateManager.initialize()

const server = new OPCUAServer({
  port: settings.port,
  resourcePath: '/line',
  serverCertificateManager,
  userCertificateManager,
  securityModes: settings.isPlain
    ? [MessageSecurityMode.None]
    : [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
  securityPolicies: settings.isPlain
    ? [SecurityPolicy.None]
    : [
        SecurityPolicy.None,
        SecurityPolicy.Basic256Sha256,
        SecurityPolicy.Aes128_Sha256_RsaOaep,
        SecurityPolicy.Aes256_Sha256_RsaPss,
      ],
  allowAnonymous: true,
  maxConnectionsPerEndpoint: 500,
  userManager: { isValidUser: (name: string, password: string) => name === 'edge' && password === 'correct horse' },
  serverCapabilities: {
    minSupportedSampleRate: 0, // every change
    maxSessions: 500, // sessions of broken connections stay until their timeout
    operationLimits: { maxNodesPerRead: settings.maxNodesPerRead ?? 1000 },
  },
})
await server.initialize()
const space = server.engine.addressSpace!
for (let count = 0; count < (settings.before ?? 0); count++)
  space.registerNamespace(`http://example.org/other-${count}`)
const namespace = space.registerNamespace(NAMESPACE)
addVariables(namespace)
await server.start()
process.send?.({ ready: server.getEndpointUrl(), namespaceIndex: namespace.index })

process.on('message', (message: { set?: [string, unknown]; status?: [string, string]; ramp?: number }) => {
  if (message.set) {
    const [name, value] = message.set
    const variable = variables.get(name)!
    const { dataType, arrayType } = variable.readValue().value
    variable.setValueFromSource({ dataType, arrayType, value: fromJson(value) }, StatusCodes.Good, new Date())
  }
  if (message.status) {
    const [name, code] = message.status
    const variable = variables.get(name)!
    const status = (StatusCodes as unknown as Record<string, StatusCode>)[code]!
    variable.setValueFromSource(variable.readValue().value, status, STAMP)
  }
  if (message.ramp) ramp(message.ramp)
  process.send?.({ done: true })
})
process.on('disconnect', () => process.exit(0))

function addVariables(own: Namespace): void {
  const folder = own.addFolder(space.rootFolder.objects, { browseName: 'Line1', nodeId: 's=Line1' })
  const add = (name: string, dataType: DataType, value: unknown, more: object = {}): UAVariable => {
    const variable = own.addVariable({
      componentOf: folder,
      browseName: name,
      nodeId: `s=Line1.${name}`,
      dataType,
      minimumSamplingInterval: 0,
      ...more,
    })
    const isArray = Array.isArray(value) && !(dataType === DataType.Int64 || dataType === DataType.UInt64)
    const arrayType = isArray ? VariantArrayType.Array : VariantArrayType.Scalar
    variable.setValueFromSource({ dataType, arrayType, value }, StatusCodes.Good, STAMP)
    variables.set(name, variable)
    return variable
  }
  add('Boolean', DataType.Boolean, true)
  add('SByte', DataType.SByte, -100)
  add('Byte', DataType.Byte, 200)
  add('Int16', DataType.Int16, -30_000)
  add('UInt16', DataType.UInt16, 60_000)
  add('Int32', DataType.Int32, -2_000_000_000)
  add('UInt32', DataType.UInt32, 4_000_000_000)
  add('Int64', DataType.Int64, [0x80000000, 1]) // −2^63 + 1
  add('UInt64', DataType.UInt64, [0xffffffff, 0xfffffffe]) // 2^64 − 2
  add('Float', DataType.Float, 1.5)
  add('Double', DataType.Double, Math.PI)
  add('String', DataType.String, 'läuft')
  add('DateTime', DataType.DateTime, new Date('2026-01-02T03:04:05.678Z'))
  add('LocalizedText', DataType.LocalizedText, { locale: 'en', text: 'running' })
  add('Floats', DataType.Float, [1, 2.5, 4], { valueRank: 1 })
  add('ReadOnly', DataType.Int16, 7, { accessLevel: 'CurrentRead', userAccessLevel: 'CurrentRead' })
  add('Empty', DataType.Int32, 5).setValueFromSource({ dataType: DataType.Null }, StatusCodes.Good, STAMP)
  own.addAnalogDataItem({
    componentOf: folder,
    browseName: 'Speed',
    nodeId: 's=Line1.Speed',
    dataType: 'Double',
    definition: '',
    valuePrecision: 0.1,
    engineeringUnitsRange: { low: 0, high: 100 },
    engineeringUnits: {
      namespaceUri: 'http://www.opcfoundation.org/UA/units/un/cefact',
      unitId: 1,
      displayName: { text: 'm/min' },
      description: { text: 'metre per minute' },
    },
    value: { dataType: DataType.Double, value: 12.5 },
  })
  for (let index = 0; index < (settings.bulk ?? 0); index++) add(`Bulk${index}`, DataType.Double, index)
}

/** Changes every bulk variable each `ms`, from 1 000 000 upwards. */
function ramp(ms: number): void {
  let turn = 999_999
  setInterval(() => {
    turn += 1
    const stamp = new Date()
    for (let index = 0; index < (settings.bulk ?? 0); index++) {
      variables
        .get(`Bulk${index}`)!
        .setValueFromSource({ dataType: DataType.Double, value: turn }, StatusCodes.Good, stamp)
    }
  }, ms)
}

/** IPC has no Date; `{ date }` stands for one. */
function fromJson(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'date' in value ? new Date(String(value.date)) : value
}
