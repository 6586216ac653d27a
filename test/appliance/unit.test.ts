// The unit file, judged by systemd's own tools.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT_CONFIG } from '../../src/cli/exit-codes.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { run, telemetryx } from '../cli/run-command.ts'
import { isPresent } from './notify-socket.ts'

const UNIT = 'telemetryx-gateway.service'
const text = readFileSync(join(PACKAGE_ROOT, 'systemd', UNIT), 'utf8')
/** The worst exposure that is accepted; systemd's scale goes from 0 to 10. */
const MAX_EXPOSURE = 2

function setting(name: string): string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value!)
}

describe.skipIf(!isPresent('systemd-analyze'))('the unit of the gateway (needs systemd-analyze)', () => {
  let folder = ''
  let unit = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetryx-unit-'))
    unit = join(folder, UNIT)
    // What it starts is not installed here: programs of the same names stand in.
    const program = join(folder, 'telemetryx')
    const manual = join(folder, 'install.md')
    writeFileSync(program, '#!/bin/sh\n')
    chmodSync(program, 0o755)
    writeFileSync(manual, '')
    writeFileSync(
      unit,
      text.replace('/usr/bin/telemetryx', program).replace('/usr/share/doc/telemetryx/install.md', manual),
    )
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is exposed by at most 2.0 of 10', async () => {
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', unit])
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])
    expect(exposure).toBeLessThanOrEqual(MAX_EXPOSURE)
    const open = writeUnit('open', text.replace(/^SystemCallFilter=.*$/gm, '').replace('ProtectSystem=strict', ''))
    const worse = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', open])
    expect(Number(/level for \S+: ([\d.]+)/.exec(worse.stdout)?.[1])).toBeGreaterThan(MAX_EXPOSURE)
  })

  it('has no setting that systemd does not know', async () => {
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit])
    expect(stderr).not.toContain(UNIT) // other units of this machine may have mistakes
    const wrong = await run('systemd-analyze', [
      'verify',
      '--man=no',
      writeUnit('wrong', `${text}\n[Service]\nWatchdog=1s\n`),
    ])
    expect(wrong.stderr).toMatch(/Unknown key.*'Watchdog'/)
  })

  function writeUnit(name: string, content: string): string {
    mkdirSync(join(folder, name))
    const path = join(folder, name, UNIT)
    writeFileSync(path, content.replace('/usr/bin/telemetryx', join(folder, 'telemetryx')))
    return path
  }
})

describe('the unit and the program', () => {
  it('agree on the command line', async () => {
    const [program, ...args] = setting('ExecStart')[0]!.split(' ')
    expect(program).toBe('/usr/bin/telemetryx')
    const outcome = await telemetryx([...args, '--help'])
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining('telemetryx gateway') })
    for (const option of args.filter((argument) => argument.startsWith('--'))) expect(outcome.stdout).toContain(option)
  })

  it('agree that a mistake in the configuration ends the attempts', () => {
    expect(setting('RestartPreventExitStatus')).toEqual([String(EXIT_CONFIG)])
  })

  it('agree that V8 may make memory executable', () => {
    expect(setting('MemoryDenyWriteExecute')).toEqual([])
  })
})
