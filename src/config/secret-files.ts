// Where `${secret:NAME}` is kept: a file NAME in `secrets` of the data folder, or a credential of the service that systemd
// hands over. A credential comes first: it was given by who runs the machine.

import { join } from 'node:path'

export const SECRETS_FOLDER = 'secrets'
/** A value is a password, a token or a key in PEM. */
export const MAX_SECRET_BYTES = 64 * 1024
/** Never begins with a dot: that is a file which is being written. */
export const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
export const SECRET_NAME_RULE = '1 to 64 letters, digits and _ . -, the first a letter or digit'

type Environment = Readonly<Record<string, string | undefined>>

/** Files that may hold the secret, the first that exists counts. `name` fits SECRET_NAME. */
export function secretFiles(name: string, dataDir: string, env: Environment): readonly string[] {
  const credential = credentialFile(name, env)
  const stored = join(dataDir, SECRETS_FOLDER, name)
  return credential === null ? [stored] : [credential, stored]
}

/** As the unit names it: `LoadCredential=secret:/etc/credstore/telemetryx`; null: the service was given none. */
export function credentialFile(name: string, env: Environment): string | null {
  const folder = env['CREDENTIALS_DIRECTORY']
  return folder === undefined || folder === '' ? null : join(folder, `secret_${name}`)
}

/** One line break at the end is no part of a secret: editors and `echo` put it there. */
export function withoutLastBreak(text: string): string {
  return text.replace(/\r?\n$/, '')
}
