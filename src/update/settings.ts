// `update.yaml` beside the slots: where releases come from, whose they are, and what is restarted.

import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Type, type StaticDecode } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { durationSchema, strictObject } from '#domain/schema.ts'

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
