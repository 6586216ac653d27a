// The site of docker/compose.yaml: what each service may do, and that its files fit together.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { packageVersion, PACKAGE_ROOT } from '#gateway/version.ts'
import { isPresent } from '#test/appliance/notify-socket.ts'
import { run } from '#test/cli/run-command.ts'

interface Service {
  readonly image: string
  readonly build?: { readonly target: string }
  readonly user?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly restart?: string
  readonly healthcheck?: object
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly networks?: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>>
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: object
  readonly networks: object
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

const FILE = join(PACKAGE_ROOT, 'docker', 'compose.yaml')
const text = readFileSync(FILE, 'utf8')
/** Starts as root to take over its data folder, then drops its rights. */
const STARTS_AS_ROOT = new Set(['database'])

function problemsOf(yaml: string): string[] {
  const { services, volumes, networks, secrets } = parse(yaml, { merge: true }) as Compose
  return Object.entries(services).flatMap(([name, service]) => {
    const problems: string[] = []
    const expectThat = (isSo: boolean, problem: string): void => void (isSo || problems.push(`${name}: ${problem}`))
    expectThat(/:v?\d+\.\d+[\w.-]*$/.test(service.image), `${service.image} is not pinned to a version`)
    expectThat(service.read_only === true, 'can write into its root')
    expectThat(service.cap_drop?.includes('ALL') === true, 'keeps capabilities')
    expectThat(service.security_opt?.includes('no-new-privileges:true') === true, 'may gain privileges')
    expectThat(service.restart === 'unless-stopped', 'stays down')
    // Our own images bring user and health check along: dockerfile.test.ts.
    const isOurs = service.build !== undefined
    expectThat(isOurs || service.healthcheck !== undefined, 'has no health check')
    expectThat(isOurs || STARTS_AS_ROOT.has(name) || /^[1-9]\d*:\d+$/.test(service.user ?? ''), 'runs as root')
    for (const port of service.ports ?? [])
      expectThat(port.startsWith('${TELEMETRYX_ADDRESS:-127.0.0.1}:'), `publishes ${port} to everyone`)
    for (const [key, value] of Object.entries(service.environment ?? {}))
      expectThat(!/passw|secret|token/i.test(key) || value.startsWith('/run/secrets/'), `has ${key} in its environment`)
    for (const secret of service.secrets ?? []) expectThat(secret in secrets, `there is no secret ${secret}`)
    for (const network of service.networks ?? []) expectThat(network in networks, `there is no network ${network}`)
    for (const other of Object.keys(service.depends_on ?? {}))
      expectThat(other in services, `there is no service ${other}`)
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':')
      const isThere = source.startsWith('.') ? existsSync(join(PACKAGE_ROOT, 'docker', source)) : source in volumes
      expectThat(isThere, `there is no ${source}`)
    }
    return problems
  })
}

describe('the site', () => {
  it('gives each service no more than it needs', () => {
    expect(problemsOf(text)).toEqual([])
  })

  it.each([
    ['an image that moves', 'redis:7.4.2-alpine', 'redis:latest', /redis:latest is not pinned/],
    ['a root that can be written', 'read_only: true', 'read_only: false', /gateway: can write/],
    ['capabilities', 'cap_drop: [ALL]', 'cap_drop: []', /nats: keeps capabilities/],
    ['root', '472:0', '0:0', /grafana: runs as root/],
    ['a port for everyone', '${TELEMETRYX_ADDRESS:-127.0.0.1}:3000:3000', '3000:3000', /publishes 3000:3000/],
    [
      'a password that everyone sees',
      'POSTGRES_PASSWORD_FILE: /run/secrets/database_password',
      'POSTGRES_PASSWORD: abc',
      /has POSTGRES_PASSWORD/,
    ],
    [
      'a file that is not there',
      './mosquitto/mosquitto.conf',
      './mosquitto/other.conf',
      /there is no .\/mosquitto\/other.conf/,
    ],
    ['a secret that nobody makes', 'secrets: [grafana_password]', 'secrets: [grafana]', /no secret grafana/],
  ])('would be refused with %s', (_what, good, bad, complaint) => {
    expect(problemsOf(text.replace(good, bad)).join('\n')).toMatch(complaint)
  })

  it('runs the images of this version', () => {
    const { services } = parse(text, { merge: true }) as Compose
    const ours = Object.values(services).filter(({ build }) => build !== undefined)
    expect(ours.map(({ image }) => image)).toEqual(
      ours.map(({ build }) => `telemetryx-${build!.target}:${packageVersion()}`),
    )
    expect(ours).toHaveLength(3)
  })
})

describe.skipIf(!isPresent('docker-compose'))('docker-compose (needs docker-compose)', () => {
  it('understands it', async () => {
    const outcome = await run('docker-compose', ['-f', FILE, 'config', '-q'])
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 })
  })
})

describe('the secrets', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetryx-secrets-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('are all made, each anew, and stay when they are there', async () => {
    const script = join(PACKAGE_ROOT, 'docker', 'make-secrets.sh')
    const target = join(folder, 'secrets')
    expect(await run(script, [target])).toMatchObject({ code: 0, stderr: '' })
    const { secrets } = parse(text) as Compose
    const files = Object.values(secrets).map(({ file }) => file.replace('./secrets/', ''))
    const made = new Map(files.map((file) => [file, readFileSync(join(target, file), 'utf8')]))
    const filled = [...made].filter(([file]) => !file.endsWith('metrics_token')).map(([, secret]) => secret)
    for (const secret of filled) expect(secret.length).toBeGreaterThanOrEqual(48)
    expect(new Set(filled).size).toBe(filled.length)
    expect(statSync(target).mode & 0o777).toBe(0o700)
    expect(await run(script, [target])).toMatchObject({ code: 0 })
    for (const [file, secret] of made) expect(readFileSync(join(target, file), 'utf8')).toBe(secret)
  })
})
