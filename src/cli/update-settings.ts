// `update.yaml` beside the slots: where releases come from, whose they are, and what is restarted.

import { execFile } from 'node:child_process'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Type, type StaticDecode } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { durationSchema, strictObject } from '#domain/schema.ts'
import { LocalGateway } from '#gateway/local-gateway.ts'

const run = promisify(execFile)
const ASK_EVERY_MS = 500
const ANSWER_MS = 5000

const SettingsSchema = strictObject({
  url: Type.String({ pattern: '^https?://' }),
  key: Type.String({ minLength: 1, default: 'release.pub' }),
  data: Type.String({ minLength: 1, default: '/var/lib/telemetryx' }),
  config: Type.Optional(Type.String({ minLength: 1 })),
  restart: Type.Array(Type.String(), { minItems: 1, default: ['systemctl', 'restart', 'telemetryx-gateway'] }),
  healthyWithin: durationSchema({ default: '3m', description: 'How long the new version has.' }),
})

export interface UpdateSettings extends Omit<StaticDecode<typeof SettingsSchema>, 'key'> {
  readonly key: KeyObject
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID. */
export function updateSettings(file: string): UpdateSettings {
  const values: unknown = Value.Default(SettingsSchema, parsed(file))
  if (!Value.Check(SettingsSchema, values)) {
    const [error] = Value.Errors(SettingsSchema, values)
    const where = error?.instancePath.slice(1) || 'it'
    throw new TelemetryError('CONFIG_INVALID', `${file}: ${where} ${error?.message ?? 'is wrong'}`)
  }
  const settings = Value.Decode(SettingsSchema, values)
  const path = resolve(dirname(file), settings.key)
  const folder = dirname(file)
  return { ...settings, key: publicKey(path), data: resolve(folder, settings.data) }
}

function parsed(file: string): unknown {
  try {
    return parse(textOf(file))
  } catch (cause) {
    if (isTelemetryError(cause)) throw cause
    throw new TelemetryError('CONFIG_INVALID', `${file} is no YAML`, { cause })
  }
}

function publicKey(path: string): KeyObject {
  const text = textOf(path)
  try {
    const key = createPublicKey(text)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Told below.
  }
  throw new TelemetryError('CONFIG_INVALID', `${path} is no public key of Ed25519 (PEM)`)
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new TelemetryError('CONFIG_UNREADABLE', `${path} cannot be read; docs/update.md tells what belongs there`, {
      cause,
    })
  }
}

/** Throws CONNECTION_FAILED when the command fails. */
export async function restartBy([program = '', ...args]: readonly string[]): Promise<void> {
  try {
    await run(program, args)
  } catch (cause) {
    throw new TelemetryError('CONNECTION_FAILED', `"${[program, ...args].join(' ')}" failed`, { cause })
  }
}

/** True once the gateway of `data` answers as `version`, without a reason that keeps it from its work. */
export async function becomesHealthy(data: string, version: string, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs
  while (performance.now() < until) {
    if (await isHealthy(data, version)) return true
    await new Promise((wait) => setTimeout(wait, ASK_EVERY_MS))
  }
  return false
}

async function isHealthy(data: string, version: string): Promise<boolean> {
  try {
    const gateway = new LocalGateway(data)
    const ready = await gateway.get('/readyz', ANSWER_MS)
    const { status, text } = await gateway.get('/api/v1/gateway', ANSWER_MS)
    return ready.status === 200 && status === 200 && (JSON.parse(text) as { version?: unknown }).version === version
  } catch {
    return false
  }
}
