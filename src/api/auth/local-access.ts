// Access for the commands on this machine: a token that holds for one run of the gateway, in a file of the data folder that only
// the gateway's own user may read. Who may read that folder may read users, tokens and database anyway.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { toTelemetryError } from '#domain/errors.ts'
import { replaceFile } from '#kit/replace-file.ts'
import type { Principal } from './roles.ts'
import { hashSecret, matchesHash, newSecret } from './secret.ts'

/** Name of the file in the data folder. */
export const LOCAL_ACCESS_FILE = 'local-access.json'
/** Request header with the name of the person at the command line, for journals. */
export const LOCAL_USER_HEADER = 'x-telemetryx-user'

const USER = /^[A-Za-z0-9._-]{1,32}$/

export class LocalAccess {
  readonly #path: string
  readonly #token = newSecret('txl_')
  readonly #hash = hashSecret(this.#token)

  constructor(dataDir: string) {
    this.#path = join(dataDir, LOCAL_ACCESS_FILE)
  }

  /** Tells the commands where the gateway is. Throws STORE_IO. */
  async publish(url: string): Promise<void> {
    const content = { version: 1, url, token: this.#token, pid: process.pid }
    try {
      await replaceFile(this.#path, `${JSON.stringify(content)}\n`, { mode: 0o600 })
    } catch (error) {
      throw toTelemetryError(error, 'STORE_IO', { context: { path: this.#path } })
    }
  }

  async withdraw(): Promise<void> {
    await rm(this.#path, { force: true })
  }

  /** Who comes with this token; null when it is another one. `user` is believed: it comes from the same account. */
  principal(token: string, user: string | undefined): Principal | null {
    if (!matchesHash(token, this.#hash)) return null
    return { name: `cli:${user !== undefined && USER.test(user) ? user : 'unknown'}`, role: 'admin', via: 'local' }
  }
}
