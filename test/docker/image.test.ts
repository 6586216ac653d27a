// The images' steps carried out without an engine, and what comes of them run as the images run it: as a user without rights,
// on a root that cannot be written. Installs packages from the registry: only with TELEMETRYX_TEST_PACKAGE=1, as .ci/run has it.

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { run } from '#test/cli/run-command.ts'
import { buildStages, linkTree } from './build-stages.ts'
import { inherited, stagesOf } from './dockerfile.ts'

const USER = 10_001
const read = (path: string): string => readFileSync(join(PACKAGE_ROOT, path), 'utf8')
/** Root may become another user and mount; anybody else runs it as itself. */
const isRoot = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0

it('names every role', () => {
  const names = stagesOf(read('docker/Dockerfile')).map(({ name }) => name)
  expect(names.slice(-3)).toEqual(['gateway', 'brain', 'central'])
})

if (process.env['TELEMETRYX_TEST_PACKAGE'] === '1') {
  describe('the images', () => {
    let folder = ''
    let app = ''
    let leftOut: readonly string[] = []
    const stages = stagesOf(read('docker/Dockerfile'))

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'telemetryx-image-'))
      chmodSync(folder, 0o755)
      const context = join(folder, 'context')
      mkdirSync(context)
      execFileSync('sh', ['-c', `git -C ${PACKAGE_ROOT} archive HEAD | tar -x -C ${context}`])
      ;({ leftOut } = buildStages({ stages, context, dockerignore: read('.dockerignore'), folder, run: carryOut }))
      app = join(folder, 'gateway', 'opt', 'telemetryx')
    }, 300_000)
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    it('are built by their steps, but for those that need the base image', () => {
      expect(leftOut.map((command) => command.split(' ')[0])).toEqual(['groupadd', 'ln'])
      for (const role of ['gateway', 'brain', 'central'])
        expect(existsSync(join(folder, role, 'opt/telemetryx/dist/ui/index.html')), role).toBe(true)
    })

    it('hold what runs and nothing that builds', () => {
      expect(existsSync(join(app, 'node_modules/better-sqlite3'))).toBe(true)
      for (const name of ['vite', 'typescript', 'oxlint', 'vitest'])
        expect(existsSync(join(app, 'node_modules', name)), name).toBe(false)
      for (const name of ['test', '.git', 'docker/secrets']) expect(existsSync(join(app, name)), name).toBe(false)
    })

    it('run the gateway as a user without rights on a root that is read only, and see it healthy', async () => {
      const data = join(folder, 'data')
      mkdirSync(data)
      const configuration = join(data, 'gateway.yaml')
      writeFileSync(
        configuration,
        'gateway: { id: edge-01, factory: A }\nhttp: { port: 0, auth: none }\ndata: ./data\n',
      )
      if (isRoot) for (const path of [data, configuration]) chownSync(path, USER, USER)
      const cmd = JSON.parse(inherited(stages, 'gateway').findLast(({ name }) => name === 'CMD')!.text) as string[]
      const args = cmd.map((word) =>
        word.replace('/etc/telemetryx', data).replace('/var/lib/telemetryx', join(data, 'data')),
      )
      const gateway = inImage([join(app, 'bin/telemetryx'), ...args])
      let log = ''
      gateway.stderr!.setEncoding('utf8').on('data', (text: string) => (log += text))
      try {
        const ended = once(gateway, 'exit').then(() => Promise.reject(new Error(log)))
        const [line] = (await Promise.race([once(createInterface(gateway.stdout!), 'line'), ended])) as [string]
        const url = line.replace('Dashboard: ', '')
        expect((await fetch(url)).status).toBe(200)
        const health = join(app, 'docker/healthcheck.mjs')
        expect(await run(process.execPath, [health, `${url}/healthz`])).toMatchObject({ code: 0, stderr: '' })
        expect(await run(process.execPath, [health, `${url}/api/v1/nothing`])).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('404'),
        })
        expect(await run(process.execPath, [health, 'http://127.0.0.1:1/'])).toMatchObject({ code: 1 })
        ended.catch(() => {})
      } finally {
        gateway.kill('SIGTERM')
        if (gateway.exitCode === null && gateway.signalCode === null) await once(gateway, 'exit')
      }
      expect(gateway.exitCode).toBe(0)
    }, 120_000)

    it.runIf(isRoot)('cannot write into what they run', async () => {
      const [node] = nodeCommand([])
      const attempt = inImage(['-e', `require('fs').writeFileSync(${JSON.stringify(join(app, 'planted'))}, '')`], node)
      let complaint = ''
      attempt.stderr!.setEncoding('utf8').on('data', (text: string) => (complaint += text))
      await once(attempt, 'close')
      expect(complaint).toMatch(/EROFS|EACCES/)
    })

    function carryOut(command: string, place: string, stage: string): boolean {
      if (command.startsWith('groupadd') || command.startsWith('ln ')) return false
      // The development packages are here already; those that run are installed from the lock file as the image does it.
      if (stage === 'dashboard' && command.startsWith('npm ci'))
        linkTree(join(PACKAGE_ROOT, 'node_modules'), join(place, 'node_modules'))
      else
        execFileSync('sh', ['-c', command], {
          cwd: place,
          stdio: ['ignore', 'ignore', 'pipe'],
          env: { ...process.env, npm_config_prefer_offline: 'true' },
        })
      return true
    }

    function nodeCommand(args: readonly string[]): string[] {
      return [join(app, 'node_modules', `node-linux-${process.arch}`, 'bin/node'), ...args]
    }

    function inImage(args: readonly string[], node = nodeCommand([])[0]!): ChildProcess {
      const command = [node, ...args]
      const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe']
      const env = { PATH: '/usr/bin:/bin', HOME: '/nowhere' }
      if (!isRoot) return spawn(command[0]!, command.slice(1), { stdio, env })
      const script = `mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec setpriv --reuid=${USER} --regid=${USER} --clear-groups --no-new-privs --bounding-set=-all "$@"`
      return spawn('unshare', ['-m', 'sh', '-c', script, 'sh', app, ...command], {
        stdio,
        env: { ...env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      })
    }
  })
}
