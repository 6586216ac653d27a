// The commands as a shell sees them: output, where it goes, exit codes.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageVersion } from '#gateway/version.ts'
import { LAUNCHER, run, telemetryx } from './run-command.ts'

const GOOD = `gateway: { id: edge-01, factory: Plant A }
devices:
  - id: press-1
    driver: modbus
    connection: { host: 192.0.2.10 }
    sensors:
      - { id: temperature, register: holding, address: 1 }
      - { id: running, register: coil, address: 0 }
uplinks:
  - { id: site, type: mqtt, url: "mqtt://192.0.2.20" }
`
const BAD = GOOD.replace('driver: modbus', 'driver: modbuss')
  .replace('address: 0', 'adress: 0')
  .replace('id: site', 'id: Site')

const COMMANDS = ['demo', 'gateway', 'check', 'schema', 'export', 'backup', 'restore', 'sql', 'version']

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-cli-'))
  writeFileSync(join(folder, 'good.yaml'), GOOD)
  writeFileSync(join(folder, 'bad.yaml'), BAD)
  writeFileSync(join(folder, 'secret.yaml'), GOOD.replace('mqtt://192.0.2.20', '${BROKER}'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('telemetryx check', () => {
  it('prints what a good file holds and exits with 0', async () => {
    expect(await telemetryx(['check', 'good.yaml'], { cwd: folder })).toEqual({
      code: 0,
      signal: null,
      stdout: 'good.yaml: ok, 1 device, 2 sensors, 1 uplink\n',
      stderr: '',
    })
  })

  it('prints every problem of a bad file on standard output and exits with 78', async () => {
    const { code, stdout, stderr } = await telemetryx(['check', 'bad.yaml'], { cwd: folder })
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(
        /^bad\.yaml:4:13: devices\[0\]\.driver: there is no driver "modbuss"; known: .*; did you mean modbus\?$/,
      ),
      expect.stringMatching(/^bad\.yaml:10:11: uplinks\[0\]\.id: expected an id .*; did you mean site\?$/),
      '',
    ])
    expect(stderr).toBe('2 problems\n')
    expect(code).toBe(78)
  })

  it('looks at config/gateway.yaml when no file is named', async () => {
    mkdirSync(join(folder, 'config'))
    writeFileSync(join(folder, 'config', 'gateway.yaml'), GOOD)
    const { code, stdout } = await telemetryx(['check'], { cwd: folder })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'config/gateway.yaml: ok, 1 device, 2 sensors, 1 uplink\n' })
  })

  it('prints JSON for programs', async () => {
    const good = await telemetryx(['check', '--json', 'good.yaml'], { cwd: folder })
    expect(JSON.parse(good.stdout)).toEqual({ ok: true, file: 'good.yaml', devices: 1, sensors: 2, uplinks: 1 })
    const bad = await telemetryx(['check', 'bad.yaml', '--json'], { cwd: folder })
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      file: 'bad.yaml',
      problems: [
        { file: 'bad.yaml', line: 4, column: 13, message: expect.stringContaining('modbuss') },
        { line: 10, column: 11 },
      ],
    })
    expect([good.code, bad.code]).toEqual([0, 78])
  })

  it('says in one line that a file is missing, and exits with 78', async () => {
    expect(await telemetryx(['check', 'nope.yaml'], { cwd: folder })).toMatchObject({
      code: 78,
      stdout: '',
      stderr:
        'telemetryx: nope.yaml cannot be read: there is no such file [CONFIG_UNREADABLE] ' +
        '(name another file with -c, or begin with a copy of one from config/examples; `telemetryx demo` shows a plant without any)\n',
    })
  })

  it('says so in JSON too', async () => {
    const { code, stdout } = await telemetryx(['check', '--json', 'nope.yaml'], { cwd: folder })
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, problems: [], error: { code: 'CONFIG_UNREADABLE' } })
    expect(code).toBe(78)
  })

  it('shows a stack with --debug only', async () => {
    const quiet = await telemetryx(['check', 'nope.yaml'], { cwd: folder })
    const loud = await telemetryx(['--debug', 'check', 'nope.yaml'], { cwd: folder })
    expect(quiet.stderr).not.toContain('at ')
    expect(loud.stderr).toMatch(/\n {4}at .*\n[^]*caused by/)
  })

  it('shows no secret from the environment', async () => {
    const { code, stdout, stderr } = await telemetryx(['check', 'secret.yaml'], {
      cwd: folder,
      env: { BROKER: 'geheim' },
    })
    expect(stdout + stderr).not.toContain('geheim')
    expect(stdout).toContain('${BROKER}')
    expect(code).toBe(78)
  })

  it('does not colour what is no terminal', async () => {
    const { stdout } = await telemetryx(['check', 'bad.yaml'], { cwd: folder, env: { NO_COLOR: '' } })
    expect(stdout).not.toContain('\u001b')
  })
})

describe.skipIf(!existsSync('/usr/bin/script'))('telemetryx on a terminal (needs script)', () => {
  const onTerminal = (env: Record<string, string>) => {
    const command = `"${process.execPath}" "${LAUNCHER}" check bad.yaml`
    return run('/usr/bin/script', ['-qec', command, '/dev/null'], {
      cwd: folder,
      env: { TERM: 'xterm-256color', CI: undefined, ...env }, // CI alone turns colours off
    })
  }

  it('sets the places in bold', async () => {
    expect((await onTerminal({ NO_COLOR: '' })).stdout).toContain('\u001b[1mbad.yaml:4:13:')
  })

  it('respects NO_COLOR', async () => {
    const { stdout } = await onTerminal({ NO_COLOR: '1' })
    expect(stdout).toContain('bad.yaml:4:13:')
    expect(stdout).not.toContain('\u001b')
  })
})

describe('telemetryx', () => {
  it.each([['--help'], ['help'], ['-h']])('%s lists every command with a line each', async (word) => {
    const { code, stdout, stderr } = await telemetryx([word])
    for (const command of COMMANDS) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} .*[a-z]{3}`, 'm'))
    }
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it.each(COMMANDS)('%s --help explains itself with an example', async (command) => {
    const { code, stdout } = await telemetryx([command, '--help'])
    expect(stdout).toContain(`Usage: telemetryx ${command}`)
    expect(stdout).toMatch(new RegExp(`Examples?:\\n +telemetryx ${command}`))
    expect(code).toBe(0)
  })

  it.each([
    { args: ['chekc'], hint: '(Did you mean check?)' },
    { args: ['check', '--jsn'], hint: '(Did you mean --json?)' },
    { args: ['schema', 'nobody'], hint: 'Allowed choices are gateway' },
    { args: ['check', 'a.yaml', 'b.yaml'], hint: 'too many arguments' },
    { args: [], hint: 'Usage: telemetryx' },
  ])('refuses the command line $args with 64 and a hint', async ({ args, hint }) => {
    const { code, stdout, stderr } = await telemetryx(args)
    expect(stderr).toContain(hint)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  })

  it('version names what runs', async () => {
    const { stdout } = await telemetryx(['version'])
    expect(stdout).toBe(
      `TelemetryX Edge ${packageVersion()} (Node.js ${process.version}, ${process.platform} ${process.arch})\n`,
    )
    const json = await telemetryx(['version', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({
      version: packageVersion(),
      node: process.version,
      platform: process.platform,
      arch: process.arch,
    })
    expect((await telemetryx(['--version'])).stdout).toBe(`${packageVersion()}\n`)
  })

  it('schema prints a JSON Schema', async () => {
    const { code, stdout } = await telemetryx(['schema', 'gateway'])
    expect(JSON.parse(stdout)).toMatchObject({ title: 'TelemetryX gateway', properties: { devices: {}, uplinks: {} } })
    expect(code).toBe(0)
  })

  it('ends quietly when nobody reads its output', async () => {
    const pipeline = `"${process.execPath}" "${LAUNCHER}" schema gateway | true; echo "\${PIPESTATUS[0]}"`
    expect(await run('bash', ['-c', pipeline])).toMatchObject({ stdout: '0\n', stderr: '' })
  })
})
