// Where NATS is and who we are there, as its client takes it.

import { readFile } from 'node:fs/promises'
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { TelemetryError } from '#domain/errors.ts'

interface Address {
  readonly urls: readonly string[]
  readonly credentials: string | null
}

/** Throws CONFIG_INVALID, CONFIG_UNREADABLE. */
export async function connectOptions({ credentials, urls }: Address): Promise<NodeConnectionOptions> {
  const parsed = urls.map(parse)
  const [first] = parsed
  if (!first) throw new TelemetryError('CONFIG_INVALID', 'NATS needs at least one URL')
  const { password, username } = first
  return {
    servers: parsed.map(({ host }) => host),
    name: 'telemetryx',
    ...(parsed.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    ...(username === '' ? {} : login(decodeURIComponent(username), decodeURIComponent(password))),
    ...(credentials === null ? {} : { authenticator: await credentialsIn(credentials) }),
  }
}

/** A name without a password is a token, as other clients of NATS take it. */
function login(user: string, pass: string): Partial<NodeConnectionOptions> {
  return pass === '' ? { token: user } : { user, pass }
}

function parse(url: string): URL {
  if (/^(?:nats|tls):\/\//.test(url) && URL.canParse(url)) return new URL(url)
  throw new TelemetryError('CONFIG_INVALID', 'The URL of NATS must be nats://HOST:PORT or tls://HOST:PORT')
}

async function credentialsIn(path: string) {
  const { credsAuthenticator } = await import('@nats-io/transport-node')
  try {
    return credsAuthenticator(await readFile(path))
  } catch (cause) {
    throw new TelemetryError('CONFIG_UNREADABLE', 'The credentials file of NATS cannot be read', {
      context: { path },
      cause,
    })
  }
}
