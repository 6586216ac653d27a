// From an uplink's configuration to the options of mqtt.js, with everything switched off that would resend or reorder
// behind the journal's back: its reconnect, its offline queue and its store of unacknowledged messages.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Store, type IClientOptions, type IStore } from 'mqtt'
import { TelemetryError } from '#domain/errors.ts'
import { urlCredentials } from '#kit/url-credentials.ts'
import type { UplinkSetup } from '#domain/uplink.ts'
import type { MqttUplinkConfig } from './schema.ts'
import { stateTopic } from './topic.ts'

/** Longer than the connection's own limit, whose message is in plain words. */
const CONNECT_TIMEOUT_MS = 60_000
const DEFAULT_KEEPALIVE_MS = 30_000

/** Where a broker is, and who we are there. Credentials in the URL are moved out of it. */
export interface BrokerAddress {
  /** Without credentials. */
  readonly url: string
  /** Host and port, for messages. */
  readonly name: string
  readonly username: string | undefined
  readonly password: string | undefined
}

/** Throws CONFIG_INVALID when it is no URL; the message does not repeat it. */
export function brokerAddress(config: Pick<MqttUplinkConfig, 'url' | 'username' | 'password'>): BrokerAddress {
  if (!URL.canParse(config.url)) throw new TelemetryError('CONFIG_INVALID', 'The url of an mqtt uplink is not valid')
  const url = new URL(config.url)
  const given = urlCredentials(url)
  url.username = ''
  url.password = ''
  const { username = given.username, password = given.password } = config
  return { url: url.href, name: url.host, username, password }
}

/** Options of one connection. Certificates are read anew each time, so that renewed ones are used; relative names start at `configDir`. Throws CONFIG_INVALID. */
export async function clientOptions(
  setup: UplinkSetup<MqttUplinkConfig>,
  broker: BrokerAddress,
  configDir = process.cwd(),
): Promise<IClientOptions> {
  const { config, gateway, id } = setup
  const { ca, cert, key, rejectUnauthorized } = config.tls ?? {}
  return {
    clientId: config.clientId ?? `telemetryx-${gateway}-${id}`,
    username: broker.username,
    password: broker.password,
    protocolVersion: config.protocol === 5 ? 5 : 4,
    // We receive nothing, and what is unacknowledged stands in the journal: a session at the broker would hold nothing.
    clean: true,
    keepalive: Math.ceil((config.keepalive ?? DEFAULT_KEEPALIVE_MS) / 1000),
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    queueQoSZero: false,
    resubscribe: false,
    outgoingStore: new NothingKept(),
    log: () => {},
    will: { topic: stateTopic(gateway), payload: Buffer.from('offline'), qos: config.qos ?? 1, retain: true },
    ca: await pem(ca, configDir),
    cert: await pem(cert, configDir),
    key: await pem(key, configDir),
    rejectUnauthorized: rejectUnauthorized ?? true,
  }
}

export async function pem(name: string | undefined, folder: string): Promise<Buffer | undefined> {
  if (name === undefined) return undefined
  const file = resolve(folder, name)
  try {
    return await readFile(file)
  } catch (cause) {
    throw new TelemetryError('CONFIG_INVALID', `The certificate file ${file} cannot be read`, {
      retryable: true,
      cause,
    })
  }
}

/** A store that forgets: the journal has every unacknowledged message, and gives it out again after a reconnect. */
export class NothingKept extends Store {
  override put(...[_packet, done]: Parameters<IStore['put']>): this {
    done()
    return this
  }

  override del(...[packet, done]: Parameters<IStore['del']>): this {
    done(undefined, packet as Parameters<typeof done>[1])
    return this
  }
}
