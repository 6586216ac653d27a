// An update in a process of its own that is killed before one of its steps.

import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyUpdate } from '#update/apply.ts'
import { locked } from '#update/slots.ts'

const { root, url, now, dieAt, isHealthy } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly root: string
  readonly url: string
  readonly now: number
  /** Number of the step, from 0. */
  readonly dieAt: number
  readonly isHealthy: boolean
}
let step = 0
await locked(root, () =>
  applyUpdate({
    root,
    url,
    now,
    key: createPublicKey(readFileSync(join(root, 'release.pub'), 'utf8')),
    architecture: process.arch,
    trials: [],
    restart: async () => {},
    becomesHealthy: async () => isHealthy,
    onProgress: () => {},
    onStep: () => {
      if (step === dieAt) process.kill(process.pid, 'SIGKILL')
      step += 1
    },
  }),
)
