// The steps of a Dockerfile in plain folders, on a small one.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { buildStages } from './build-stages.ts'
import { stagesOf } from './dockerfile.ts'

const DOCKERFILE = `FROM debian:12.12-slim AS made
WORKDIR /build
COPY src ./src
RUN make all
FROM debian:12.12-slim AS runs
WORKDIR /opt
COPY --from=made /build/out ./out
COPY src/main.txt ./
RUN needs the base image
FROM runs AS role
CMD ["role"]
`

it('copies from the context and from other stages, runs what can be run, and tells the rest', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-stages-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const context = join(folder, 'context')
  mkdirSync(join(context, 'src', 'deep'), { recursive: true })
  for (const name of ['main.txt', 'deep/part.txt', 'secret.key']) writeFileSync(join(context, 'src', name), name)
  const ran: string[] = []
  const { leftOut } = buildStages({
    stages: stagesOf(DOCKERFILE),
    context,
    dockerignore: '*\n!src\n**/*.key\n',
    folder,
    run: (command, place, stage) => {
      if (stage !== 'made') return false
      ran.push(command)
      mkdirSync(join(place, 'out'))
      writeFileSync(join(place, 'out', 'result'), readFileSync(join(place, 'src', 'deep', 'part.txt')))
      return true
    },
  })
  expect(ran).toEqual(['make all'])
  expect(leftOut).toEqual(['needs the base image'])
  expect(readFileSync(join(folder, 'role', 'opt', 'out', 'result'), 'utf8')).toBe('deep/part.txt')
  expect(readFileSync(join(folder, 'role', 'opt', 'main.txt'), 'utf8')).toBe('main.txt')
  expect(existsSync(join(folder, 'role', 'build'))).toBe(false)
  expect(existsSync(join(folder, 'made', 'build', 'src', 'secret.key'))).toBe(false)
})
