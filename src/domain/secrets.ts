// The passwords, tokens and keys that a gateway keeps beside its configuration: stored, replaced and deleted by name. Nothing
// here ever gives a value away.

/** A secret by its name. */
export interface StoredSecret {
  readonly name: string
  /** credential: handed over by the service manager; the gateway cannot change it. */
  readonly from: 'store' | 'credential'
  /** Unix milliseconds. */
  readonly changedAt: number
}

export interface SecretEntry extends StoredSecret {
  /** Keys of the configuration in force: `devices.press-1.connection.password`. */
  readonly usedBy: readonly string[]
}

export interface SecretDesk {
  /** By name. Throws STORE_IO. */
  list(): Promise<readonly SecretEntry[]>
  /**
   * Stores or replaces one; durable when it resolves. What runs takes it up with the next change of the configuration that
   * reads it. Throws USAGE (name, value), CONFLICT (a credential has the name), STORE_IO, STORE_FULL.
   */
  put(name: string, value: string): Promise<{ readonly isNew: boolean }>
  /**
   * Throws NOT_FOUND, CONFLICT (in use; `isForced` deletes one that older revisions alone refer to; or a credential), STORE_IO.
   */
  remove(name: string, isForced: boolean): Promise<void>
}
