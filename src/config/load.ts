// gateway.yaml → GatewayConfig, or everything that is wrong with it, each with file, line and column.

import { dirname, resolve } from 'node:path'
import { TelemetryError } from '#domain/errors.ts'
import { idFromName } from '#domain/ids.ts'
import type { Catalogue } from './catalogue.ts'
import { nodeAt, type ConfigNode } from './config-node.ts'
import { complain, redactor, refuse, type ReadContext, type Subject } from './context.ts'
import { decodeKeys, plainMap } from './decode-node.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { GatewayFileSchema } from './gateway-schema.ts'
import { Problems, type ConfigProblemAt } from './problems.ts'
import { readDevices, type ReadDevices } from './read-devices.ts'
import { readTextFile } from './read-text.ts'
import { readUplinks } from './read-uplinks.ts'
import { readYamlTree } from './yaml-tree.ts'

export type { Catalogue } from './catalogue.ts'
export type { ConfigProblemAt } from './problems.ts'

export type LoadResult<T> =
  | { readonly ok: true; readonly config: T; readonly text: string }
  | { readonly ok: false; readonly problems: readonly ConfigProblemAt[] }

export interface LoadOptions {
  readonly catalogue: Catalogue
  /** For `${NAME}`; usually process.env. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface ParseOptions extends LoadOptions {
  /** Names the text in messages; relative paths in it count from this file's folder. */
  readonly file: string
}

/** Loads a file. Throws CONFIG_UNREADABLE when it is missing or cannot be read; what is wrong inside is in the result. */
export async function loadGatewayConfig(file: string, options: LoadOptions): Promise<LoadResult<GatewayConfig>> {
  let text: string
  try {
    text = readTextFile(resolve(file))
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error
    const { line, column } = error.context
    if (typeof line === 'number' && typeof column === 'number') {
      return { ok: false, problems: [{ file, line, column, message: error.message }] }
    }
    throw new TelemetryError('CONFIG_UNREADABLE', `${file} cannot be read: ${error.message}`, {
      context: { file },
      cause: error,
    })
  }
  return parseGatewayConfig(text, { ...options, file })
}

/** Parses the text of a gateway.yaml. Never throws because of what it holds. Reads the files that it names. */
export function parseGatewayConfig(text: string, options: ParseOptions): LoadResult<GatewayConfig> {
  const { file, catalogue, env } = options
  const problems = new Problems()
  const folder = dirname(resolve(file))
  const { root, substitutions } = readYamlTree({ file, text, substitution: { env, folder }, problems })
  if (root) {
    const context: ReadContext = { file, folder, catalogue, problems, redact: redactor(substitutions) }
    const config = readGateway(root, context)
    if (config && problems.size === 0) return { ok: true, config, text }
  }
  return { ok: false, problems: problems.list(file) }
}

function readGateway(root: ConfigNode, context: ReadContext): GatewayConfig | undefined {
  const { problems, folder } = context
  if (root.kind === 'scalar' && root.value === null) {
    problems.add(root.place, [], 'the file is empty; it needs at least "gateway: { id: edge-01, factory: plant-a }"')
    return undefined
  }
  const subject: Subject = { node: root, path: [], problems }
  const values = plainMap(root, GatewayFileSchema, [], problems)
  const devices = readDevices(nodeAt(root, ['devices']), context)
  const uplinks = readUplinks(nodeAt(root, ['uplinks']), devices, context)
  const common = values && decodeKeys(values, GatewayFileSchema, subject)
  if (!common) return undefined
  checkGatewayRules(common, devices, subject)
  const { gateway, data, buffer, store, http } = common
  return {
    gateway,
    data: resolve(folder, data),
    buffer,
    store: {
      flushIntervalMs: store.flushInterval,
      sync: store.sync,
      retention: { rawMs: store.retention.raw, minuteMs: store.retention.minute, hourMs: store.retention.hour },
      maxBytes: store.maxSize,
    },
    http,
    devices: devices.devices,
    uplinks,
  }
}

interface RuledGateway {
  readonly gateway: { readonly factory: string }
  readonly buffer: { readonly capacity: number }
  readonly store: {
    readonly flushInterval: number
    readonly maxSize: number
    readonly retention: Readonly<Record<string, number>>
  }
  readonly http: { readonly host: string; readonly auth: 'required' | 'none' }
}

const MIN_STORE_BYTES = 16 * 1024 * 1024

function checkGatewayRules(
  { gateway, buffer, store, http }: RuledGateway,
  devices: ReadDevices,
  subject: Subject,
): void {
  if (idFromName(gateway.factory) === 'unnamed')
    refuse(subject, ['gateway', 'factory'], 'must hold a letter a-z or a digit')
  if (buffer.capacity < 2 * devices.sensorCount) {
    refuse(subject, ['buffer', 'capacity'], `must be at least twice the number of sensors (${devices.sensorCount})`)
  }
  if (store.flushInterval < 10 || store.flushInterval > 60_000)
    refuse(subject, ['store', 'flushInterval'], 'must be from 10ms to 1m')
  if (store.maxSize < MIN_STORE_BYTES) refuse(subject, ['store', 'maxSize'], 'must be at least 16MiB')
  for (const [fidelity, keptMs] of Object.entries(store.retention)) {
    if (keptMs <= 0) refuse(subject, ['store', 'retention', fidelity], 'must be longer than 0')
  }
  if (http.auth === 'none' && !isLoopback(http.host)) {
    complain(
      subject,
      ['http', 'auth'],
      'none is refused unless http.host is a loopback address such as 127.0.0.1: anyone on the network could come in',
    )
  }
}

/** True for an address that only this machine can reach. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host)
}
