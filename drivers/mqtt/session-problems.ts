// Devices that would throw each other off the broker: a session has one connection, which only devices with the same
// connection settings share. Pure.

import type { BusDevice, BusProblem } from '#domain/driver.ts'
import { addressOf, clientIdOf, sharingKey, type Address, type ConnectionConfig } from './address.ts'
import type { MqttDeviceConfig } from './schema.ts'

interface Session {
  readonly device: string
  readonly address: Address
}

/** Settings in which two addresses of one session can differ, by their key in the YAML. */
const SETTINGS = {
  password: ({ password }) => password,
  protocol: ({ protocol }) => protocol,
  keepalive: ({ keepaliveSeconds }) => keepaliveSeconds,
  timeout: ({ timeoutMs }) => timeoutMs,
  tls: ({ tls }) => JSON.stringify(tls),
} as const satisfies Record<string, (address: Address) => unknown>

/** Each device that uses the session of an earlier one with other settings. */
export function sessionProblems(devices: readonly BusDevice[]): readonly BusProblem[] {
  const sessions = new Map<string, Session>()
  return devices.flatMap(({ id, config }, device) => {
    const { connection } = config as MqttDeviceConfig
    if (connection?.url === undefined || !URL.canParse(connection.url)) return []
    const address = addressOf(connection as ConnectionConfig)
    const name = `${address.url} ${clientIdOf(address, undefined)}`
    const first = sessions.get(name)
    if (first === undefined) sessions.set(name, { device: id, address })
    if (first === undefined || sharingKey(first.address) === sharingKey(address)) return []
    const key = differing(first.address, address)
    const message =
      `${first.device} uses the same session of this broker with another ${key}, so that each would end the other's connection: ` +
      `the same ${key} for both, or a clientId for one of them`
    return [{ device, path: ['connection', connection[key] === undefined ? 'url' : key], message }]
  })
}

/** `clientId`: given to one of them, and the default of the other. */
function differing(one: Address, other: Address): keyof typeof SETTINGS | 'clientId' {
  for (const [key, settingOf] of Object.entries(SETTINGS))
    if (settingOf(one) !== settingOf(other)) return key as keyof typeof SETTINGS
  return 'clientId'
}
