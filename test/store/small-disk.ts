// A small disk of its own for a test, where mounting is allowed: a tmpfs, or an ext4 in a file on a loop device. It can be
// filled, and made read-only.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type DiskKind = 'tmpfs' | 'ext4'

export interface SmallDisk {
  readonly path: string
  /** Leaves no room at all. */
  fill(): void
  /** Gives back what `fill` took. */
  free(): void
  setReadOnly(isReadOnly: boolean): void
  unmount(): void
}

/** null where mounting is not allowed, or no such file system can be made. `size` as `mount` and `truncate` take it. */
export function mountSmallDisk(size: string, kind: DiskKind = 'tmpfs'): SmallDisk | null {
  const path = mkdtempSync(join(tmpdir(), 'telemetryx-small-disk-'))
  const image = `${path}.img`
  try {
    if (kind === 'tmpfs') run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path)
    else mountImage(image, size, path)
  } catch {
    rmSync(image, { force: true })
    rmdirSync(path)
    return null
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fill: () => {
      for (let n = 0, bytes = 2 ** 22; bytes >= 512;) {
        try {
          writeFileSync(`${ballast}-${n++}`, Buffer.alloc(bytes), { flush: true })
        } catch {
          rmSync(`${ballast}-${n - 1}`, { force: true })
          bytes /= 2
        }
      }
    },
    free: () => {
      for (let n = 0; n < 200; n++) rmSync(`${ballast}-${n}`, { force: true })
    },
    setReadOnly: (isReadOnly) => run('mount', '-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, path),
    unmount: () => {
      run('umount', '-l', path) // a run that took too long may still hold files open
      rmSync(image, { force: true })
      rmdirSync(path)
    },
  }
}

function mountImage(image: string, size: string, path: string): void {
  run('truncate', '-s', size, image)
  run('mkfs.ext4', '-q', '-m', '0', image)
  run('mount', '-o', 'loop', image, path)
}

function run(command: string, ...words: string[]): void {
  execFileSync(command, words, { stdio: 'ignore' })
}
