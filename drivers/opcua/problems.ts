// What is wrong with an OPC UA device's configuration beyond what its schema can say; everything at once.

import { isAbsolute } from 'node:path'
import type { ConfigProblem } from '#domain/driver.ts'
import { parseNodeAddress } from './node-address.ts'
import { DEFAULT_TIMEOUT_MS, type OpcuaDeviceConfig, type OpcuaSensorConfig } from './schema.ts'
import { securityOf } from './security.ts'

const MAX_TIMEOUT_MS = 7000 // a connection has two steps, and acquisition gives up after 15 s
const MIN_PUBLISH_INTERVAL_MS = 10
const MAX_PUBLISH_INTERVAL_MS = 60_000 // the server's lifetime of the subscription has to be longer

type Connection = OpcuaDeviceConfig['connection']

/** Problems with paths from the device's YAML: `['sensors', 3, 'node']`. */
export function opcuaProblems(
  device: OpcuaDeviceConfig,
  sensors: readonly OpcuaSensorConfig[],
): readonly ConfigProblem[] {
  return [
    ...connectionProblems(device.connection),
    ...userProblems(device.connection),
    ...publishProblems(device),
    ...sensors.flatMap((sensor, index) => [...sensorProblems(sensor, ['sensors', index])]),
  ]
}

function* connectionProblems(connection: Connection): Generator<ConfigProblem> {
  const { endpoint, timeout = DEFAULT_TIMEOUT_MS } = connection
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null
  if (url?.protocol !== 'opc.tcp:' || url.hostname === '') {
    yield { path: ['connection', 'endpoint'], message: `Write the endpoint as opc.tcp://host:4840, not ${endpoint}` }
  } else if (url.username !== '' || url.password !== '') {
    yield { path: ['connection', 'endpoint'], message: 'Name and password belong to connection.user' }
  }
  if (timeout < 1 || timeout > MAX_TIMEOUT_MS) {
    yield { path: ['connection', 'timeout'], message: `A timeout lies between 1ms and ${MAX_TIMEOUT_MS / 1000}s` }
  }
  const { policy, mode } = securityOf(connection)
  if (policy === 'None' && mode !== 'None') {
    yield {
      path: ['connection', 'security', 'mode'],
      message: `Mode ${mode} needs a policy, for example policy: Basic256Sha256`,
    }
  } else if (policy !== 'None' && mode === 'None') {
    yield { path: ['connection', 'security', 'mode'], message: `Policy ${policy} needs mode Sign or SignAndEncrypt` }
  }
}

function* userProblems({ user }: Connection): Generator<ConfigProblem> {
  if (user === undefined) return
  const path = ['connection', 'user']
  const { name, password, certificate, key } = user
  if (name !== undefined && certificate !== undefined) {
    yield { path, message: 'A user has either name and password, or certificate and key' }
  } else if (name === undefined && certificate === undefined) {
    yield { path, message: 'A user needs name and password, or certificate and key' }
  }
  if ((name === undefined) !== (password === undefined)) yield { path, message: 'name and password belong together' }
  if ((certificate === undefined) !== (key === undefined))
    yield { path, message: 'certificate and key belong together' }
  for (const [word, file] of Object.entries({ certificate, key })) {
    if (file !== undefined && !isAbsolute(file))
      yield { path: [...path, word], message: `Write the whole path of ${word}` }
  }
}

function* publishProblems({ mode, publishInterval }: OpcuaDeviceConfig): Generator<ConfigProblem> {
  if (mode === 'poll' || publishInterval === undefined) return
  if (publishInterval < MIN_PUBLISH_INTERVAL_MS || publishInterval > MAX_PUBLISH_INTERVAL_MS) {
    yield { path: ['publishInterval'], message: 'publishInterval lies between 10ms and 1m' }
  }
}

function* sensorProblems(sensor: OpcuaSensorConfig, at: readonly (string | number)[]): Generator<ConfigProblem> {
  const address = parseNodeAddress(sensor.node)
  if ('problem' in address) yield { path: [...at, 'node'], message: address.problem }
  if (sensor.serverDeadband !== undefined && (sensor.type === 'boolean' || sensor.type === 'string')) {
    yield { path: [...at, 'serverDeadband'], message: `A ${sensor.type} has no deadband` }
  }
}
