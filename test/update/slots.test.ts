// An installation with two slots: one update at a time, and notes that a power cut has spoiled.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { locked } from '#update/slots.ts'
import { UpdateBed } from './update-bed.ts'

let bed: UpdateBed
beforeEach(async () => {
  bed = await UpdateBed.start()
})
afterEach(() => bed.end())

describe('an installation', () => {
  it('lets one update run at a time, and a lock of a process that is gone holds nobody up', async () => {
    const other = spawn('sleep', ['60'])
    onTestFinished(() => void other.kill())
    const stat = readFileSync(`/proc/${other.pid}/stat`, 'utf8').split(' ')
    writeFileSync(join(bed.root, 'update.lock'), `${other.pid} ${stat[21]}`)
    await expect(locked(bed.root, async () => {})).rejects.toMatchObject({ code: 'CONFLICT' })
    // Its number was given to another process since.
    writeFileSync(join(bed.root, 'update.lock'), `${other.pid} 1`)
    expect(await locked(bed.root, async () => 'done')).toBe('done')
    writeFileSync(join(bed.root, 'update.lock'), String(spawnSync('true').pid))
    expect(await locked(bed.root, async () => 'done')).toBe('done')
    expect(existsSync(join(bed.root, 'update.lock'))).toBe(false)
  })

  it('loses nothing by nonsense as the note of a trial', async () => {
    for (const note of ['', 'c 0 x', 'b 0 0.2.0', 'a x 0.2.0']) {
      writeFileSync(join(bed.root, 'trial'), note)
      bed.countStart()
      expect(bed.running()).toBe('0.1.0')
    }
  })
})
