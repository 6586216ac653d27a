// What stands around our own services, on the real programs where they are installed: the broker with the password file that
// make-secrets.sh writes, the database with the roles that 10-roles.sh makes.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { run, telemetryx } from '#test/cli/run-command.ts'
import { hasPostgres, startPostgres } from '#test/sim/postgres.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { siteConfiguration } from './site.ts'

const docker = join(PACKAGE_ROOT, 'docker')
let folder = ''
let secrets = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-site-'))
  secrets = join(folder, 'secrets')
  await run(join(docker, 'make-secrets.sh'), [secrets])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secret = (name: string): string => readFileSync(join(secrets, name), 'utf8')

describe('the gateway of the site', () => {
  it('has a right configuration', async () => {
    const file = siteConfiguration('gateway', folder, secrets)
    expect(await telemetryx(['check', file])).toMatchObject({ code: 0, stderr: '' })
  })
})

describe.each(['brain', 'central'] as const)('the %s of the site', (role) => {
  it('has a right configuration', async () => {
    const file = siteConfiguration(role, folder, secrets)
    expect(await telemetryx([role, '--check', '--config', file])).toMatchObject({ code: 0, stderr: '' })
    const spoilt = join(folder, `${role}-spoilt.yaml`)
    writeFileSync(spoilt, `${readFileSync(file, 'utf8')}redisUri: redis://redis\n`)
    expect(await telemetryx([role, '--check', '--config', spoilt])).toMatchObject({ code: 78 })
  })
})

describe.skipIf(!hasMosquitto)('the broker of the site (needs mosquitto)', () => {
  it('lets the gateway in with the password that was made, and nobody else', async () => {
    const settings = readFileSync(join(docker, 'mosquitto/mosquitto.conf'), 'utf8')
    expect(settings).toContain('allow_anonymous false\npassword_file /run/secrets/mqtt_users\n')
    const broker = await Mosquitto.start({
      files: { mqtt_users: secret('mqtt_users') },
      listener: ['allow_anonymous false', 'password_file FOLDER/mqtt_users'],
    })
    try {
      const comeIn = async (username?: string, password?: string) => {
        const options = { username, password, reconnectPeriod: 0, connectTimeout: 20_000 }
        const client = await connectAsync(broker.url, options)
        await client.endAsync()
      }
      await comeIn('gateway', secret('mqtt_password'))
      await expect(comeIn('gateway', 'wrong')).rejects.toThrow(/not authori[sz]ed/i)
      await expect(comeIn()).rejects.toThrow(/not authori[sz]ed/i)
    } finally {
      await broker.close()
    }
  })
})

describe.skipIf(!hasPostgres)('the database of the site (needs postgresql)', () => {
  it('has a role and a database for each service', async () => {
    const server = await startPostgres()
    try {
      const { hostname, port } = new URL(server.url)
      // Debian's has no TimescaleDB; the image has.
      const script = readFileSync(join(docker, 'database/10-roles.sh'), 'utf8')
        .replaceAll('/run/secrets/', `${secrets}/`)
        .replace(/^psql .*timescaledb'\n/m, '')
      const env = { PGHOST: hostname, PGPORT: port, POSTGRES_USER: 'postgres' }
      const outcome = await run('sh', ['-c', script], { env })
      expect(outcome, outcome.stderr).toMatchObject({ code: 0 })
      const owners = server.psql(
        `SELECT datname || ' ' || rolname FROM pg_database JOIN pg_roles ON datdba = pg_roles.oid WHERE rolname <> 'postgres' ORDER BY 1`,
      )
      expect(owners.trim()).toBe('brain brain\ncentral central')
      const hashed = server.psql(
        `SELECT count(*) FROM pg_authid WHERE rolname IN ('brain', 'central') AND rolpassword LIKE 'SCRAM%'`,
      )
      expect(hashed.trim()).toBe('2')
    } finally {
      await server.stop()
    }
  })
})
