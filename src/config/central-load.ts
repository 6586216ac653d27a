// central.yaml → CentralConfig, or everything that is wrong with it, each with file, line and column.

import { dirname, resolve } from 'node:path'
import { centralBrainConfig, centralBrainRules } from './central-brain.ts'
import type { CentralConfig, ListenConfig, NatsConfig } from './central-config.ts'
import { CentralFileSchema, type CentralFile } from './central-schema.ts'
import { isLoopback } from './loopback.ts'
import { loadPlainFile, parsePlainFile, type PlainResult, type PlainRule } from './plain-file.ts'
import { tlsFiles } from './service-keys.ts'

type Env = Readonly<Record<string, string | undefined>>

const MIN_RETENTION_MS = 86_400_000
const MAX_BODY_BYTES = 64 * 1024 * 1024
const MIN_BODY_BYTES = 64 * 1024
const MAX_SKEW_MS = 300_000
const MIN_TAKE_OVER_MS = 1000
const MAX_TAKE_OVER_MS = 300_000

/** Loads a file. Throws CONFIG_UNREADABLE when it is missing or cannot be read; what is wrong inside is in the result. */
export function loadCentralConfig(path: string, env: Env): PlainResult<CentralConfig> {
  return resolved(path, loadPlainFile<CentralFile>(path, { schema: CentralFileSchema, env, rules: centralRules }))
}

/** As loadCentralConfig, with the text given; never throws because of what it holds. */
export function parseCentralConfig(text: string, path: string, env: Env): PlainResult<CentralConfig> {
  return resolved(
    path,
    parsePlainFile<CentralFile>(text, path, { schema: CentralFileSchema, env, rules: centralRules }),
  )
}

function resolved(path: string, result: PlainResult<CentralFile>): PlainResult<CentralConfig> {
  return result.ok ? { ...result, config: configOf(result.config, dirname(resolve(path))) } : result
}

function centralRules(values: CentralFile): PlainRule[] {
  const { http, nats, oidc, retention, tenants } = values
  const rules: PlainRule[] = []
  const report = (path: PlainRule['path'], message: string): void => void rules.push({ path, message })
  if (http.limits.maxBody < MIN_BODY_BYTES || http.limits.maxBody > MAX_BODY_BYTES)
    report(['http', 'limits', 'maxBody'], 'must be between 64KiB and 64MiB')
  if (retention.raw < MIN_RETENTION_MS) report(['retention', 'raw'], 'must be at least 1d')
  if (retention.minute < retention.raw) report(['retention', 'minute'], 'must not be shorter than retention.raw')
  if (retention.hour < retention.minute) report(['retention', 'hour'], 'must not be shorter than retention.minute')
  if (nats && (nats.takeOver < MIN_TAKE_OVER_MS || nats.takeOver > MAX_TAKE_OVER_MS))
    report(['nats', 'takeOver'], 'must be between 1s and 5m')
  if (oidc && oidc.clockSkew > MAX_SKEW_MS) report(['oidc', 'clockSkew'], 'must be at most 5m')
  if (oidc && !isSafeIssuer(oidc.issuer))
    report(['oidc', 'issuer'], 'must be an https address: whoever can change its answers could be anyone here')
  const twice = tenants.findIndex(({ id }, index) => tenants.findIndex((other) => other.id === id) !== index)
  if (twice !== -1) report(['tenants', twice, 'id'], `names "${tenants[twice]!.id}" a second time`)
  return [...rules, ...centralBrainRules(values.brain)]
}

function isSafeIssuer(issuer: string): boolean {
  if (!URL.canParse(issuer)) return false
  const { protocol, hostname } = new URL(issuer)
  return protocol === 'https:' || isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

function configOf(values: CentralFile, folder: string): CentralConfig {
  const { http, nats, oidc, retention } = values
  const path = (name: string): string => resolve(folder, name)
  const { maxBody, ...limits } = http.limits
  return {
    data: path(values.data),
    http: {
      host: http.host,
      port: http.port,
      publicUrl: http.publicUrl ?? null,
      trustProxy: http.trustProxy,
      tls: http.tls ? { cert: path(http.tls.cert), key: path(http.tls.key) } : null,
      limits: { ...limits, maxBodyBytes: maxBody },
    },
    grpc: values.grpc ? listenConfig(values.grpc, path) : null,
    line: values.line ? listenConfig(values.line, path) : null,
    databaseUrl: values.databaseUrl ?? null,
    redisUrl: values.redisUrl ?? null,
    nats: nats ? natsConfig(nats, path) : null,
    oidc: oidc ? { ...withoutSkew(oidc), clockSkewMs: oidc.clockSkew } : null,
    retention: { rawMs: retention.raw, minuteMs: retention.minute, hourMs: retention.hour },
    brain: values.brain ? centralBrainConfig(values.brain, path) : null,
    traceEndpoint: values.opentelemetry?.endpoint ?? null,
    tenants: values.tenants.map(({ id, name }) => ({ id, name: name ?? id })),
  }
}

function natsConfig(
  { credentials, takeOver, ...nats }: NonNullable<CentralFile['nats']>,
  path: (name: string) => string,
): NatsConfig {
  return { ...nats, credentials: credentials === undefined ? null : path(credentials), takeOverMs: takeOver }
}

function withoutSkew({ issuer, audience, tenantClaim, roleClaim }: NonNullable<CentralFile['oidc']>) {
  return { issuer, audience, tenantClaim, roleClaim }
}

function listenConfig(
  { host, port, tls }: NonNullable<CentralFile['grpc']>,
  path: (name: string) => string,
): ListenConfig {
  return { host, port, tls: tlsFiles(tls, path) }
}
