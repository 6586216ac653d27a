// The unit files, judged by systemd's own tools.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT_CONFIG } from '../../src/cli/exit-codes.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { run, telemetryx } from '../cli/run-command.ts'
import { isPresent } from './notify-socket.ts'

const ROLES = ['gateway', 'brain', 'central']
/** The worst exposure that is accepted; systemd's scale goes from 0 to 10. */
const MAX_EXPOSURE = 2

describe.each(ROLES)('the unit of the %s', (role) => {
  const name = `telemetryx-${role}.service`
  const text = readFileSync(join(PACKAGE_ROOT, 'systemd', name), 'utf8')
  const setting = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value!)

  describe.skipIf(!isPresent('systemd-analyze'))('as systemd sees it (needs systemd-analyze)', () => {
    let folder = ''
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'telemetryx-unit-'))
      // What it starts is not installed here: a program of the same name stands in.
      writeFileSync(join(folder, 'telemetryx'), '#!/bin/sh\n')
      chmodSync(join(folder, 'telemetryx'), 0o755)
      writeFileSync(join(folder, 'manual.md'), '')
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    it('is exposed by at most 2.0 of 10', async () => {
      expect(await exposure('unit', text)).toBeLessThanOrEqual(MAX_EXPOSURE)
      const open = text
        .replace(/^(SystemCallFilter|CapabilityBoundingSet|RestrictAddressFamilies|PrivateDevices)=.*$/gm, '')
        .replace('ProtectSystem=strict', '')
      expect(await exposure('open', open)).toBeGreaterThan(MAX_EXPOSURE)
    })

    it('has no setting that systemd does not know', async () => {
      const { stderr } = await run('systemd-analyze', ['verify', '--man=no', write('right', text)])
      expect(stderr).not.toContain(name) // other units of this machine may have mistakes
      const wrong = await run('systemd-analyze', [
        'verify',
        '--man=no',
        write('wrong', `${text}\n[Service]\nWatchdog=1s\n`),
      ])
      expect(wrong.stderr).toMatch(/Unknown key.*'Watchdog'/)
    })

    async function exposure(place: string, content: string): Promise<number> {
      const { stdout } = await run('systemd-analyze', [
        'security',
        '--offline=true',
        '--no-pager',
        write(place, content),
      ])
      return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])
    }

    function write(place: string, content: string): string {
      mkdirSync(join(folder, place))
      const path = join(folder, place, name)
      const program = join(folder, 'telemetryx')
      const manual = join(folder, 'manual.md')
      writeFileSync(path, content.replace('/usr/bin/telemetryx', program).replace(/\/usr\/share\/doc\/\S+/, manual))
      return path
    }
  })

  it('agrees with the program on the command line', async () => {
    const [program, ...args] = setting('ExecStart')[0]!.split(' ')
    expect(program).toBe('/usr/bin/telemetryx')
    const outcome = await telemetryx([...args, '--help'])
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining(`telemetryx ${role}`) })
    for (const option of args.filter((argument) => argument.startsWith('--'))) expect(outcome.stdout).toContain(option)
  })

  it('agrees with the program that a mistake in the configuration ends the attempts', () => {
    expect(setting('RestartPreventExitStatus')).toEqual([String(EXIT_CONFIG)])
  })

  it('lets V8 make memory executable', () => {
    expect(setting('MemoryDenyWriteExecute')).toEqual([])
  })

  it('waits for its messages, and watches it', () => {
    expect(setting('Type')).toEqual(['notify'])
    expect(setting('NotifyAccess')).toEqual(['all'])
    expect(setting('WatchdogSec')).toHaveLength(1)
  })

  it('names a manual that the package brings along', () => {
    const [manual] = setting('Documentation')
    expect(
      readFileSync(manual!.replace('file:/usr/share/doc/telemetryx', join(PACKAGE_ROOT, 'docs')), 'utf8'),
    ).not.toBe('')
  })
})
