// gateway.yaml → GatewayConfig, or everything that is wrong with it, each with file, line and column.

import { dirname, resolve } from 'node:path'
import type { StaticDecode } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import { checkBrokerUse } from './broker-rules.ts'
import type { Catalogue } from './catalogue.ts'
import { nodeAt, type ConfigNode } from './config-node.ts'
import { redactor, type ReadContext } from './context.ts'
import { decodeKeys, plainMap } from './decode-node.ts'
import type { BrokerConfig, GatewayConfig } from './gateway-config.ts'
import { DEFAULT_DATA, GatewayFileSchema, type BrokerSchema, type HttpSchema } from './gateway-schema.ts'
import { outlineOf, type Outline } from './outline.ts'
import { Problems, type ConfigProblemAt } from './problems.ts'
import { checkGatewayRules } from './gateway-rules.ts'
import { readDerived } from './read-derived.ts'
import { readDevices } from './read-devices.ts'
import { readTextFile } from './read-text.ts'
import { readUplinks } from './read-uplinks.ts'
import { substitute, type SubstitutionOptions } from './substitute.ts'
import { readYamlTree } from './yaml-tree.ts'

export type { Catalogue } from './catalogue.ts'
export type { ConfigProblemAt } from './problems.ts'

/** A file that the configuration names (`sensorsFile`), as it was read. */
export interface NamedFile {
  /** Absolute. */
  readonly path: string
  readonly text: string
}

export type LoadResult<T> =
  | {
      readonly ok: true
      readonly config: T
      readonly text: string
      readonly outline: Outline
      /** Each once, in the order of reading. */
      readonly files: readonly NamedFile[]
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblemAt[] }

export interface LoadOptions {
  readonly catalogue: Catalogue
  /** For `${NAME}`; usually process.env. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Data folder in place of the one that the text names; for `${secret:NAME}`. */
  readonly dataDir?: string
}

export interface ParseOptions extends LoadOptions {
  /** Names the text in messages; relative paths in it count from this file's folder. */
  readonly file: string
  /** Text of a file that the configuration names, in place of the one on disk; undefined: the one on disk. */
  readonly fileText?: (path: string) => string | undefined
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
  const { file, catalogue, env, fileText } = options
  const problems = new Problems()
  const folder = dirname(resolve(file))
  const dataDirOf = (data: unknown): string => options.dataDir ?? dataDirIn(data, { env, folder })
  const { root, substitutions } = readYamlTree({ file, text, substitution: { env, folder }, dataDirOf, problems })
  if (root) {
    const files = new Map<string, string>()
    const readText = (path: string): string => {
      const read = files.get(path) ?? fileText?.(path) ?? readTextFile(path)
      files.set(path, read)
      return read
    }
    const context: ReadContext = { file, folder, catalogue, problems, redact: redactor(substitutions), readText }
    const read = readGateway(root, text, context)
    if (read && problems.size === 0)
      return { ok: true, ...read, text, files: [...files].map(([path, content]) => ({ path, text: content })) }
  }
  return { ok: false, problems: problems.list(file) }
}

/** As the key `data` says; it may hold references, but to no secret. */
function dataDirIn(data: unknown, substitution: SubstitutionOptions): string {
  const written = typeof data === 'string' ? data : DEFAULT_DATA
  return resolve(substitution.folder, substitute(written, substitution).text)
}

function readGateway(
  root: ConfigNode,
  text: string,
  context: ReadContext,
): { config: GatewayConfig; outline: Outline } | undefined {
  const { problems, folder } = context
  if (root.kind === 'scalar' && root.value === null) {
    problems.add(root.place, [], 'the file is empty; it needs at least "gateway: { id: edge-01, factory: plant-a }"')
    return undefined
  }
  const subject = { node: root, path: [], problems }
  const values = plainMap(subject, GatewayFileSchema)
  const devices = readDevices(nodeAt(root, ['devices']), context)
  const { derived, sensorIds } = readDerived(nodeAt(root, ['derived']), devices, text.split('\n'), context)
  const allSensors = { ...devices, sensorIds: [...devices.sensorIds, ...sensorIds] }
  const uplinks = readUplinks(nodeAt(root, ['uplinks']), allSensors, context)
  checkGatewayRules(devices.sensorCount + sensorIds.length, subject)
  checkBrokerUse(devices.devices, context.catalogue, subject)
  const common = values && decodeKeys(values, GatewayFileSchema, subject)
  if (!common) return undefined
  const { gateway, data, buffer, store, http, broker, alarms, drivers, configuration, opentelemetry } = common
  const config: GatewayConfig = {
    gateway,
    folder,
    data: resolve(folder, data),
    buffer,
    store: {
      flushIntervalMs: store.flushInterval,
      sync: store.sync,
      retention: { rawMs: store.retention.raw, minuteMs: store.retention.minute, hourMs: store.retention.hour },
      maxBytes: store.maxSize,
    },
    http: httpConfig(http, folder),
    alarms: { operators: alarms.operators ?? null },
    broker: broker ? brokerConfig(broker, folder) : null,
    configuration: { watchMs: configuration.watch, revisions: configuration.revisions },
    traceEndpoint: opentelemetry?.endpoint ?? null,
    drivers,
    devices: devices.devices,
    derived,
    uplinks,
  }
  if (problems.size > 0) return undefined
  const sensors = devices.sources.map(({ id, driver, source }) => ({ id, driver, node: source.node }))
  return { config, outline: outlineOf({ root, catalogue: context.catalogue, sensors }) }
}

function httpConfig(http: StaticDecode<typeof HttpSchema>, folder: string): GatewayConfig['http'] {
  const { maxBody, ...limits } = http.limits
  return { ...http, tls: httpTls(http.tls, folder), limits: { ...limits, maxBodyBytes: maxBody } }
}

function httpTls(tls: StaticDecode<typeof HttpSchema>['tls'], folder: string): GatewayConfig['http']['tls'] {
  if (tls?.cert !== undefined && tls.key !== undefined)
    return { cert: resolve(folder, tls.cert), key: resolve(folder, tls.key) }
  return tls?.selfSigned ? 'selfSigned' : null
}

function brokerConfig(broker: StaticDecode<typeof BrokerSchema>, folder: string): BrokerConfig {
  const { tls, maxPayload, ...rest } = broker
  return {
    ...rest,
    tls: tls ? { cert: resolve(folder, tls.cert), key: resolve(folder, tls.key) } : null,
    maxPayloadBytes: maxPayload,
  }
}
