// brain.yaml → BrainConfig, or everything that is wrong with it, each with file, line and column.

import { dirname, resolve } from 'node:path'
import type { BrainConfig } from './brain-config.ts'
import { BrainFileSchema, type BrainFile } from './brain-schema.ts'
import { isLoopback } from './loopback.ts'
import { loadPlainFile, parsePlainFile, type PlainResult, type PlainRule } from './plain-file.ts'
import { tlsFiles } from './service-keys.ts'

type Env = Readonly<Record<string, string | undefined>>

const MIN_MESSAGE_BYTES = 64 * 1024
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024
const MAX_TIMEOUT_MS = 600_000
const MIN_REPORT_MS = 60_000
const MAX_REPORT_MS = 366 * 86_400_000

/** Loads a file. Throws CONFIG_UNREADABLE when it is missing or cannot be read; what is wrong inside is in the result. */
export function loadBrainConfig(path: string, env: Env): PlainResult<BrainConfig> {
  return resolved(path, loadPlainFile<BrainFile>(path, { schema: BrainFileSchema, env, rules: brainRules }))
}

/** As loadBrainConfig, with the text given; never throws because of what it holds. */
export function parseBrainConfig(text: string, path: string, env: Env): PlainResult<BrainConfig> {
  return resolved(path, parsePlainFile<BrainFile>(text, path, { schema: BrainFileSchema, env, rules: brainRules }))
}

function resolved(path: string, result: PlainResult<BrainFile>): PlainResult<BrainConfig> {
  return result.ok ? { ...result, config: configOf(result.config, dirname(resolve(path))) } : result
}

function brainRules(values: BrainFile): PlainRule[] {
  const { actions, limits, listen, reports, smtp, tokens, webhooks } = values
  const rules: PlainRule[] = []
  const report = (path: PlainRule['path'], message: string): void => void rules.push({ path, message })
  if (tokens.length === 0 && !isLoopback(listen.host))
    report(
      ['listen', 'host'],
      'must not be open to the network without tokens: give tokens, or a loopback address, for example 127.0.0.1',
    )
  for (const [index, { name, token }] of tokens.entries()) {
    const before = tokens.slice(0, index)
    if (before.some((other) => other.name === name)) report(['tokens', index, 'name'], 'is the name of another token')
    if (before.some((other) => other.token === token)) report(['tokens', index, 'token'], 'is the same as another one')
  }
  for (const [index, { every, mailTo, name, tenant }] of reports.entries()) {
    const isLike = (other: (typeof reports)[number]): boolean => other.name === name && other.tenant === tenant
    if (reports.slice(0, index).some(isLike)) report(['reports', index, 'name'], 'is the name of another report')
    if (every < MIN_REPORT_MS || every > MAX_REPORT_MS) report(['reports', index, 'every'], 'must be 1m to 366d')
    if (mailTo.length > 0 && smtp === undefined) report(['reports', index, 'mailTo'], 'needs smtp')
  }
  if (limits.maxMessage < MIN_MESSAGE_BYTES || limits.maxMessage > MAX_MESSAGE_BYTES)
    report(['limits', 'maxMessage'], 'must be between 64KiB and 64MiB')
  if (limits.callTimeout < 1 || limits.callTimeout > MAX_TIMEOUT_MS)
    report(['limits', 'callTimeout'], 'must be at most 10m')
  if (webhooks.timeout < 1 || webhooks.timeout > MAX_TIMEOUT_MS) report(['webhooks', 'timeout'], 'must be at most 10m')
  if (actions.maxRetry < actions.firstRetry) report(['actions', 'maxRetry'], 'must not be shorter than firstRetry')
  if (smtp && (smtp.user === undefined) !== (smtp.password === undefined))
    report(['smtp', 'user'], 'needs a password, and a password needs a user')
  return rules
}

function configOf(values: BrainFile, folder: string): BrainConfig {
  const { actions, analytics, limits, mqtt, smtp, tls, webhooks } = values
  const path = (name: string): string => resolve(folder, name)
  return {
    listen: values.listen,
    tls: tlsFiles(tls, path),
    http: values.http,
    data: path(values.data),
    tokens: values.tokens,
    databaseUrl: values.databaseUrl ?? null,
    redisUrl: values.redisUrl ?? null,
    limits: {
      maxMessageBytes: limits.maxMessage,
      maxRecords: limits.maxRecords,
      maxRulesPerTenant: limits.maxRules,
      maxWindowKeys: limits.maxWindowKeys,
      maxWindowValues: limits.maxWindowValues,
      maxPendingActions: limits.maxPendingActions,
      callTimeoutMs: limits.callTimeout,
    },
    actions: { attempts: actions.attempts, firstRetryMs: actions.firstRetry, maxRetryMs: actions.maxRetry },
    webhooks: { allowPrivate: webhooks.allowPrivate, timeoutMs: webhooks.timeout },
    analytics: { maxReadings: analytics.maxReadings, maxAgeMs: analytics.maxAge, threads: analytics.threads },
    reports: values.reports.map(({ every, ...report }) => ({ ...report, everyMs: every })),
    smtp: smtp ? { ...smtp, user: smtp.user ?? null, password: smtp.password ?? null } : null,
    mqtt: mqtt ? { url: mqtt.url, user: mqtt.user ?? null, password: mqtt.password ?? null } : null,
    traceEndpoint: values.opentelemetry?.endpoint ?? null,
  }
}

/** The configuration of a file with nothing in it, for `telemetryx brain` without a file. */
export function defaultBrainConfig(folder: string): BrainConfig {
  const result = parseBrainConfig('version: 1\n', resolve(folder, 'brain.yaml'), {})
  if (!result.ok) throw new Error(result.problems[0]?.message)
  return result.config
}
