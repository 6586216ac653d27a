// Replaces a file as a whole: after a crash at any moment there is the old content or the new one, never a part of either.

import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface ReplaceOptions {
  /** Permission bits of the file, for example 0o600. */
  readonly mode: number
  /** Kept where it can be; else the file belongs to this process's user. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/** Durable when it resolves. Rejects with the file system's error; the file is then as it was. */
export async function replaceFile(
  path: string,
  text: string | Uint8Array,
  { mode, owner }: ReplaceOptions,
): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.new`)
  // A file left by a crash would keep its own mode.
  await rm(temporary, { force: true })
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      if (owner) await file.chown(owner.uid, owner.gid).catch(() => {})
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/** Makes a rename or removal in the folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
