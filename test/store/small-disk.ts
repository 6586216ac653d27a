// A small disk of its own for a test: a tmpfs, where mounting is allowed. It can be filled, and made read-only.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  readonly path: string
  /** Leaves no room at all. */
  fill(): void
  /** Gives back what `fill` took. */
  free(): void
  setReadOnly(isReadOnly: boolean): void
  unmount(): void
}

/** null where mounting is not allowed. */
export function mountSmallDisk(size: string): SmallDisk | null {
  const path = mkdtempSync(join(tmpdir(), 'telemetryx-small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    rmdirSync(path)
    return null
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fill: () => {
      for (let n = 0, bytes = 2 ** 22; bytes >= 4096;) {
        try {
          writeFileSync(`${ballast}-${n++}`, Buffer.alloc(bytes))
        } catch {
          rmSync(`${ballast}-${n - 1}`, { force: true })
          bytes /= 2
        }
      }
    },
    free: () => {
      for (let n = 0; n < 200; n++) rmSync(`${ballast}-${n}`, { force: true })
    },
    setReadOnly: (isReadOnly) =>
      void execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, path], { stdio: 'ignore' }),
    unmount: () => {
      execFileSync('umount', [path])
      rmdirSync(path)
    },
  }
}
