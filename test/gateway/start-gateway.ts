// A gateway in this process from a few lines of YAML, as the tests of the whole need it.

import { join } from 'node:path'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'

const HEAD = 'version: 1\ngateway: { id: edge-01, factory: Plant A }\ndata: ./data\nhttp: { port: 0, auth: none }\n'

/** Starts a gateway with its data in `folder`/data; `yaml` holds what comes after the head. Throws when it has problems. */
export function startTestGateway(folder: string, yaml: string): Promise<Gateway> {
  const catalogue = createCatalogue({ clock: systemClock })
  const parsed = parseGatewayConfig(HEAD + yaml, { file: join(folder, 'gateway.yaml'), catalogue, env: {} })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const options = { config: parsed.config, catalogue, clock: systemClock, log: silentLogger, random: seededRandom(1) }
  return startGateway(options)
}

/** GET as JSON, whatever the status. */
export async function getJson<T>(gateway: Gateway, path: string): Promise<T> {
  const response = await fetch(`${gateway.url}${path}`)
  return (await response.json()) as T
}
