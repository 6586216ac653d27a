// The secrets of a gateway, for commands on its machine: through its API while it runs, else in its data folder. Either way the
// change stands in the audit log.

import { userInfo } from 'node:os'
import type { AuditLog } from '#api/audit/audit-log.ts'
import { SecretStore } from '#config/secret-store.ts'
import type { SecretDesk, SecretEntry } from '#domain/secrets.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { textOnDisk } from './configuration-file.ts'
import { withFolderAtRest } from './folder-at-rest.ts'
import { LocalGateway } from './local-gateway.ts'
import { runningGateway } from './running-gateway.ts'
import { secretDesk } from './secret-desk.ts'

export interface SecretsAtHandOptions {
  readonly dataDir: string
  /** Tells what is in use; null: none is known. */
  readonly configFile: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Logger
}

/** Runs `work` on the secrets of a data folder. Throws STORE_LOCKED when a gateway starts or stops at this moment. */
export async function withSecrets<T>(
  options: SecretsAtHandOptions,
  work: (desk: SecretDesk) => Promise<T>,
): Promise<T> {
  const { dataDir } = options
  if (runningGateway(dataDir) !== null) return work(remoteDesk(new LocalGateway(dataDir)))
  return withFolderAtRest(options, (audit) => work(localDesk(options, audit)))
}

function remoteDesk(gateway: LocalGateway): SecretDesk {
  const pathOf = (name: string): string => `/secrets/${encodeURIComponent(name)}`
  return {
    list: async () => {
      const items: SecretEntry[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const path = `/secrets?limit=1000${query}`
        const page: { items: WireSecret[]; next: string | null } = await gateway.ask({ method: 'GET', path })
        items.push(...page.items.map((secret) => ({ ...secret, changedAt: Date.parse(secret.changedAt) })))
        cursor = page.next
      }
      return items
    },
    put: (name, value) => {
      const json = { body: JSON.stringify({ value }), headers: { 'content-type': 'application/json' } }
      return gateway.ask({ method: 'PUT', path: pathOf(name), ...json })
    },
    remove: (name, isForced) =>
      gateway.ask({ method: 'DELETE', path: `${pathOf(name)}${isForced ? '?force=true' : ''}` }),
  }
}

type WireSecret = Omit<SecretEntry, 'changedAt'> & { readonly changedAt: string }

function localDesk({ dataDir, configFile, env }: SecretsAtHandOptions, audit: AuditLog): SecretDesk {
  const desk = secretDesk({
    store: new SecretStore({ dataDir, env }),
    dataDir,
    texts: () => [configFile === null ? null : textOnDisk(configFile)].filter((text) => text !== null),
    inTurn: (work) => work(),
  })
  const told = async <T>(action: string, target: string, act: () => Promise<T>): Promise<T> => {
    const entry = { action, target, who: `cli:${userInfo().username}`, via: 'local', from: null }
    const result = await act().catch(async (error: unknown) => {
      await audit.record({ ...entry, outcome: 'failed', before: null, after: null })
      throw error
    })
    await audit.record({ ...entry, outcome: 'done', before: null, after: null })
    return result
  }
  return {
    list: () => desk.list(),
    put: (name, value) => told('secret.put', name, () => desk.put(name, value)),
    remove: (name, isForced) => told('secret.delete', name, () => desk.remove(name, isForced)),
  }
}
