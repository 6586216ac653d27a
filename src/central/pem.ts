// Files of certificates and keys.

import { readFile } from 'node:fs/promises'
import { TelemetryError } from '#domain/errors.ts'

/** Throws CONFIG_UNREADABLE. */
export async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new TelemetryError('CONFIG_UNREADABLE', `${file} cannot be read`, { cause, context: { file } })
  }
}
