// From a sparkplug uplink's configuration to the options of mqtt.js. What a session of Sparkplug demands of CONNECT: clean
// session, and NDEATH as the will with QoS 1, not retained (3.0 §5.4, §6.4.25).

import type { IClientOptions } from 'mqtt'
import type { UplinkContext, UplinkSetup } from '#domain/uplink.ts'
import { NothingKept, pem, type BrokerAddress } from '../mqtt/client-options.ts'
import type { SparkplugUplinkConfig } from './schema.ts'

/** Longer than the connection's own limit, whose message is in plain words. */
const CONNECT_TIMEOUT_MS = 60_000
const DEFAULT_KEEPALIVE_MS = 30_000

export interface Will {
  readonly topic: string
  readonly payload: Uint8Array
}

/** Certificates are read anew each time, so that renewed ones are used. Throws CONFIG_INVALID. */
export async function clientOptions(
  { config, gateway, id }: UplinkSetup<SparkplugUplinkConfig>,
  { configDir }: Pick<UplinkContext, 'configDir'>,
  broker: BrokerAddress,
  will: Will,
): Promise<IClientOptions> {
  const { ca, cert, key, rejectUnauthorized } = config.tls ?? {}
  const file = (path: string | undefined) => pem(path, configDir ?? process.cwd())
  return {
    clientId: config.clientId ?? `telemetryx-${gateway}-${id}`,
    username: broker.username,
    password: broker.password,
    protocolVersion: 4,
    clean: true,
    keepalive: Math.ceil((config.keepalive ?? DEFAULT_KEEPALIVE_MS) / 1000),
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    queueQoSZero: false,
    resubscribe: false,
    outgoingStore: new NothingKept(),
    log: () => {},
    will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: false },
    ca: await file(ca),
    cert: await file(cert),
    key: await file(key),
    rejectUnauthorized: rejectUnauthorized ?? true,
  }
}
