// Reads a backup: its manifest first, then each file in order, checked against the manifest while it is copied out.

import { createHash } from 'node:crypto'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isTelemetryError, TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { BACKUP_FORMAT, checksumLine, type BackupManifest } from './backup.ts'
import { damaged, readTarHeader, TAR_BLOCK, type TarEntry } from './backup-tar.ts'

const MAX_MANIFEST_BYTES = 16 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
/** Names that a backup may hold: nothing that leads out of the folder. */
const NAME =
  /^(?:telemetryx\.db|auth\.json|learnt\.bin|appeared-sensors\.json|configuration\/revision-\d{6,15}\.json|config(?:\/(?!\.{1,2}(?:\/|$))[^/\0\\]+)+)$/

const validator = Compile(
  Type.Object({
    format: Type.Literal(BACKUP_FORMAT),
    createdAt: Type.String(),
    createdBy: Type.String(),
    schemaVersion: Type.Integer({ minimum: 1 }),
    epoch: Type.Integer({ minimum: 0 }),
    files: Type.Array(
      Type.Object({
        name: Type.String(),
        size: Type.Integer({ minimum: 0 }),
        sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      }),
    ),
  }),
)

export class BackupArchive {
  readonly manifest: BackupManifest
  readonly #file: FileHandle
  #at: number

  private constructor(file: FileHandle, manifest: BackupManifest, at: number) {
    this.#file = file
    this.manifest = manifest
    this.#at = at
  }

  /** Opens a backup and checks its manifest. Throws NOT_FOUND, STORE_IO, STORE_CORRUPT. */
  static async open(path: string): Promise<BackupArchive> {
    let file: FileHandle
    try {
      file = await open(path, 'r')
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      throw isMissing
        ? new TelemetryError('NOT_FOUND', `There is no file ${path}`, { cause: error })
        : toTelemetryError(error, 'STORE_IO', { context: { path } })
    }
    try {
      const manifest = await readSmall(file, 0, 'manifest.json')
      const checksum = await readSmall(file, manifest.next, 'manifest.sha256')
      if (checksum.content.toString('latin1') !== checksumLine(manifest.content)) throw damaged('its list is changed')
      const parsed: unknown = JSON.parse(manifest.content.toString('utf8'))
      if (!validator.Check(parsed)) throw damaged('its list is not understood; perhaps it is from a newer program')
      return new BackupArchive(file, parsed, checksum.next)
    } catch (error) {
      await file.close()
      throw isTelemetryError(error) ? error : toTelemetryError(error, 'STORE_IO', { context: { path } })
    }
  }

  /** Copies every file into `folder`, durable. Throws STORE_CORRUPT when anything differs from the manifest, STORE_IO. */
  async extract(folder: string, onProgress: (done: number, total: number) => void): Promise<void> {
    const total = this.manifest.files.reduce((sum, { size }) => sum + size, 0)
    let done = 0
    for (const expected of this.manifest.files) {
      if (!NAME.test(expected.name)) throw damaged(`it holds ${JSON.stringify(expected.name)}`)
      const entry = await headerAt(this.#file, this.#at)
      if (entry?.name !== expected.name || entry.size !== expected.size) throw damaged(`${expected.name} is missing`)
      const target = join(folder, expected.name)
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      const found = await this.#copy(entry, target, (bytes) => onProgress((done += bytes), total))
      if (found !== expected.sha256) throw damaged(`${expected.name} is changed`)
      this.#at = endOf(this.#at, entry)
    }
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /** Answers the SHA-256 of what was copied. */
  async #copy({ name, size }: TarEntry, target: string, onBytes: (bytes: number) => void): Promise<string> {
    const hash = createHash('sha256')
    const out = await open(target, 'wx', 0o600)
    try {
      const buffer = Buffer.alloc(CHUNK_BYTES)
      for (let left = size, at = this.#at + TAR_BLOCK; left > 0;) {
        const { bytesRead } = await this.#file.read(buffer, 0, Math.min(left, CHUNK_BYTES), at)
        if (bytesRead === 0) throw damaged(`it ends within ${name}`)
        const chunk = buffer.subarray(0, bytesRead)
        hash.update(chunk)
        await out.writeFile(chunk)
        left -= bytesRead
        at += bytesRead
        onBytes(bytesRead)
      }
      await out.sync()
      return hash.digest('hex')
    } finally {
      await out.close()
    }
  }
}

async function headerAt(file: FileHandle, at: number): Promise<TarEntry | null> {
  const header = Buffer.alloc(TAR_BLOCK)
  const { bytesRead } = await file.read(header, 0, TAR_BLOCK, at)
  return readTarHeader(header.subarray(0, bytesRead))
}

function endOf(at: number, { size }: TarEntry): number {
  return at + TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
}

async function readSmall(file: FileHandle, at: number, name: string): Promise<{ content: Buffer; next: number }> {
  const entry = await headerAt(file, at)
  if (entry?.name !== name || entry.size > MAX_MANIFEST_BYTES) throw damaged(`it does not begin with ${name}`)
  const content = Buffer.alloc(entry.size)
  const { bytesRead } = await file.read(content, 0, entry.size, at + TAR_BLOCK)
  if (bytesRead < entry.size) throw damaged(`it ends within ${name}`)
  return { content, next: endOf(at, entry) }
}
