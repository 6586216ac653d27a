// The folder of secrets of one gateway: a file each, readable by its user alone, replaced as a whole. One store for each
// folder: it lets one change follow the other.

import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TelemetryError } from '#domain/errors.ts'
import type { StoredSecret } from '#domain/secrets.ts'
import { replaceFile, syncFolder } from '#kit/replace-file.ts'
import { ioReason } from './io-reason.ts'
import {
  credentialFile,
  MAX_SECRET_BYTES,
  SECRET_NAME,
  SECRET_NAME_RULE,
  SECRETS_FOLDER,
  withoutLastBreak,
} from './secret-files.ts'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
const CREDENTIAL = /^secret_(.+)$/
/** What replaceFile leaves when the process dies before the rename. */
const BROKEN_OFF = /^\..+\.new$/

export interface SecretStoreOptions {
  readonly dataDir: string
  /** For CREDENTIALS_DIRECTORY. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export class SecretStore {
  readonly #folder: string
  readonly #env: SecretStoreOptions['env']
  #queue: Promise<unknown> = Promise.resolve()

  constructor({ dataDir, env }: SecretStoreOptions) {
    this.#folder = join(dataDir, SECRETS_FOLDER)
    this.#env = env
  }

  /** By name; what is handed over by the service manager hides a stored one. Throws STORE_IO. */
  async list(): Promise<readonly StoredSecret[]> {
    const credentials = this.#env['CREDENTIALS_DIRECTORY'] ?? ''
    const given = credentials === '' ? [] : await filesIn(credentials, (file) => CREDENTIAL.exec(file)?.[1])
    const own = await filesIn(this.#folder, (file) => file)
    const secrets = new Map<string, StoredSecret>()
    for (const found of own) secrets.set(found.name, { ...found, from: 'store' })
    for (const found of given) secrets.set(found.name, { ...found, from: 'credential' })
    return [...secrets.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Stores or replaces one; durable when it resolves. Throws USAGE, CONFLICT, STORE_IO, STORE_FULL. */
  async put(name: string, value: string): Promise<{ readonly isNew: boolean }> {
    const text = checkedSecret(name, value)
    return this.#inTurn(async () => {
      await this.#refuseCredential(name)
      return { isNew: await this.#write(name, text) }
    })
  }

  /** Stores one under a name that is free: the wanted one, or that with a number. Throws as `put`. */
  async add(wanted: string, value: string): Promise<string> {
    const text = checkedSecret(wanted, value)
    return this.#inTurn(async () => {
      const taken = new Set((await this.list()).map(({ name }) => name))
      const name = freeName(wanted, taken)
      await this.#write(name, text)
      return name
    })
  }

  /** Throws NOT_FOUND, CONFLICT, STORE_IO. */
  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#refuseCredential(name)
      // A name that cannot be one leads out of the folder.
      if (!SECRET_NAME.test(name)) throw noSecret(name)
      try {
        await rm(join(this.#folder, name))
        await syncFolder(this.#folder)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') throw noSecret(name)
        throw failed(`The secret ${name} cannot be deleted`, error)
      }
    })
  }

  /** Mends what a crash or careless hands left: files broken off, and a folder that others may read. Throws STORE_IO. */
  tidy(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        const left = (await readdir(this.#folder)).filter((name) => BROKEN_OFF.test(name))
        for (const name of left) await rm(join(this.#folder, name), { force: true })
        await chmod(this.#folder, FOLDER_MODE)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw failed(`${this.#folder} cannot be tidied`, error)
      }
    })
  }

  async #write(name: string, text: string): Promise<boolean> {
    const path = join(this.#folder, name)
    try {
      if ((await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE })) !== undefined)
        await syncFolder(join(this.#folder, '..'))
      const before = await stat(path).catch(() => null)
      await replaceFile(path, text, { mode: FILE_MODE })
      return before === null
    } catch (error) {
      throw failed(`The secret ${name} cannot be stored`, error)
    }
  }

  async #refuseCredential(name: string): Promise<void> {
    const file = SECRET_NAME.test(name) ? credentialFile(name, this.#env) : null
    if (file === null || (await stat(file).catch(() => null)) === null) return
    const message = `The secret ${name} is a credential of the service: it is changed where it comes from`
    throw new TelemetryError('CONFLICT', message)
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(change)
    this.#queue = done.catch(() => {})
    return done
  }
}

/** The value as it is stored. Throws USAGE; no message repeats the value. */
function checkedSecret(name: string, value: string): string {
  if (!SECRET_NAME.test(name)) throw new TelemetryError('USAGE', `The name of a secret has ${SECRET_NAME_RULE}`)
  const text = withoutLastBreak(value)
  if (text === '') throw new TelemetryError('USAGE', `The secret ${name} is empty`)
  if (Buffer.byteLength(text) > MAX_SECRET_BYTES)
    throw new TelemetryError('USAGE', `The secret ${name} is longer than ${MAX_SECRET_BYTES / 1024} KiB`)
  if (text.includes('\0') || !text.isWellFormed())
    throw new TelemetryError('USAGE', `The secret ${name} holds characters that no text has`)
  return text
}

/** `wanted`, `wanted-2`, …; never longer than a name may be. */
function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted
  for (let count = 2; taken.has(name); count++) name = `${wanted.slice(0, 64 - `-${count}`.length)}-${count}`
  return name
}

async function filesIn(
  folder: string,
  nameOf: (file: string) => string | undefined,
): Promise<{ name: string; changedAt: number }[]> {
  try {
    const found: { name: string; changedAt: number }[] = []
    for (const file of await readdir(folder)) {
      const name = nameOf(file)
      if (name === undefined || !SECRET_NAME.test(name)) continue
      const state = await stat(join(folder, file)).catch(() => null)
      if (state?.isFile()) found.push({ name, changedAt: Math.round(state.mtimeMs) })
    }
    return found
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw failed(`The secrets in ${folder} cannot be listed`, error)
  }
}

function noSecret(name: string): TelemetryError {
  const shown = SECRET_NAME.test(name) ? ` ${name}` : ' of that name'
  return new TelemetryError('NOT_FOUND', `There is no secret${shown}`)
}

function failed(words: string, error: unknown): TelemetryError {
  const code = codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT' ? 'STORE_FULL' : 'STORE_IO'
  return new TelemetryError(code, `${words}: ${ioReason(error)}`, { cause: error })
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
