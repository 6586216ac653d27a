// What the API gets for secrets: the store's desk, and a configuration desk whose `apply` keeps what people type in the store.

import type { Catalogue } from '#config/catalogue.ts'
import { GatewayFileSchema } from '#config/gateway-schema.ts'
import { SecretStore } from '#config/secret-store.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import type { Log } from '#domain/driver.ts'
import type { SecretDesk } from '#domain/secrets.ts'
import { replacing } from './audited-doors.ts'
import type { Configuration } from './configuration.ts'
import { textOnDisk } from './configuration-file.ts'
import type { ConfigurationSource } from './configuration-reader.ts'
import { schemasOf, secretKeys } from './redaction.ts'
import { secretDesk } from './secret-desk.ts'
import { storingApply } from './storing-apply.ts'

export interface SecretDoorsOptions {
  readonly configuration: Configuration
  /** The same as its callers see it. */
  readonly desk: ConfigurationDesk
  readonly source: ConfigurationSource
  readonly catalogue: Catalogue
  readonly dataDir: string
  readonly log: Log
}

export interface SecretDoors {
  readonly configuration: ConfigurationDesk
  readonly secrets: SecretDesk
}

export async function secretDoors(options: SecretDoorsOptions): Promise<SecretDoors> {
  const { configuration, desk, source, catalogue, dataDir, log } = options
  const store = new SecretStore({ dataDir, env: source.env })
  await store.tidy().catch((error: unknown) => log.warn({ err: error }, 'The folder of secrets could not be tidied'))
  const keys = secretKeys([...schemasOf(catalogue), GatewayFileSchema])
  const inFile = (): string => {
    try {
      return textOnDisk(source.file) ?? ''
    } catch {
      return '' // what cannot be read is not in force either
    }
  }
  return {
    configuration: replacing(desk, { apply: storingApply(desk, { store, keys, log }) }),
    secrets: secretDesk({
      store,
      dataDir,
      texts: () => [desk.present().text, inFile()],
      inTurn: (work) => configuration.inTurn(work),
    }),
  }
}
