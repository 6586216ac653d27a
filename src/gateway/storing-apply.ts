// The configuration desk for doors where people type: what they write out as a password or token goes into the store of secrets,
// and the configuration gets a reference to it.

import type { SecretStore } from '#config/secret-store.ts'
import type { AppliedConfiguration, ConfigurationDesk, ConfigurationOffer } from '#domain/configuration.ts'
import type { Log } from '#domain/driver.ts'
import { literalSecrets, referenceTo, withReferences, type LiteralSecret } from './lifted-secrets.ts'

export interface StoringOptions {
  readonly store: SecretStore
  /** Names of keys whose values are secrets. */
  readonly keys: ReadonlySet<string>
  readonly log: Log
}

/** `apply` as the desk does it, with `storeSecrets` heeded. A stored secret is never replaced: older revisions refer to it. */
export function storingApply(desk: ConfigurationDesk, options: StoringOptions): ConfigurationDesk['apply'] {
  const { store, keys, log } = options
  return async (offer) => {
    const secrets = offer.storeSecrets === true ? literalSecrets(offer.text, keys) : []
    if (secrets.length === 0) return desk.apply(offer)
    // What cannot be applied leaves nothing behind in the store.
    const { needsRestart } = await desk.plan(offer.text)
    if (needsRestart.length > 0) return desk.apply(offer)
    const names: string[] = []
    try {
      for (const { wantedName, value } of secrets) names.push(await store.add(wantedName, value))
      return await applied(desk, offer, secrets, names)
    } catch (error) {
      const { text } = desk.present() // a change that could neither be finished nor taken back still reads them
      for (const name of names.filter((stored) => !text.includes(referenceTo(stored))))
        await store
          .remove(name)
          .catch((cause: unknown) => log.warn({ err: cause, secret: name }, 'A secret that nothing uses stays stored'))
      throw error
    }
  }
}

async function applied(
  desk: ConfigurationDesk,
  offer: ConfigurationOffer,
  secrets: readonly LiteralSecret[],
  stored: readonly string[],
): Promise<AppliedConfiguration> {
  const text = withReferences(offer.text, secrets, stored)
  return { ...(await desk.apply({ ...offer, text })), stored }
}
