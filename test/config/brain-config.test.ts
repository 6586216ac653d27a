import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultBrainConfig, loadBrainConfig, parseBrainConfig } from '#config/brain-load.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'

const SECRETS = {
  BRAIN_TOKEN_PLANT_A: 'a'.repeat(32),
  BRAIN_TOKEN_ENGINEER: 'b'.repeat(32),
  BRAIN_TOKEN_PLANT_B: 'c'.repeat(32),
  BRAIN_DATABASE_PASSWORD: 'secret',
  SMTP_PASSWORD: 'secret',
}

const DAY = 86_400_000

function problems(text: string): string[] {
  const result = parseBrainConfig(text, 'brain.yaml', SECRETS)
  return result.ok ? [] : result.problems.map(({ column, line, message }) => `${line}:${column} ${message}`)
}

describe('brain.yaml', () => {
  it('has an example that is sound', () => {
    const file = join(PACKAGE_ROOT, 'config/examples/brain.yaml')
    const result = parseBrainConfig(readFileSync(file, 'utf8'), file, SECRETS)
    expect(result).toMatchObject({ ok: true })
    if (!result.ok) return
    expect(result.config.tokens.map(({ role, tenant }) => `${tenant} ${role}`)).toEqual([
      'plant-a gateway',
      'plant-a engineer',
      'plant-b gateway',
    ])
    expect(result.config.databaseUrl).toBe('postgresql://brain:secret@db.example/telemetryx')
    expect(result.config.analytics).toEqual({ maxReadings: 20_000_000, maxAgeMs: 90 * DAY, threads: 1 })
    expect(result.config.reports).toEqual([
      {
        name: 'daily',
        tenant: 'plant-a',
        title: 'Presses, last day',
        sensors: ['press-*.*'],
        everyMs: DAY,
        mailTo: ['shift@plant-a.example'],
      },
    ])
    expect(result.config.tls!.cert).toBe(join(PACKAGE_ROOT, 'config/examples/tls/brain.pem'))
  })

  it('may be empty but for its version: then this machine alone is served', () => {
    expect(defaultBrainConfig('/srv')).toMatchObject({
      listen: { host: '127.0.0.1', port: 50_051 },
      data: '/srv/brain',
      tokens: [],
      databaseUrl: null,
      limits: { maxMessageBytes: 4 * 1024 * 1024, callTimeoutMs: 30_000 },
      webhooks: { allowPrivate: false },
      analytics: { maxReadings: 20_000_000, maxAgeMs: 90 * DAY, threads: 1 },
      reports: [],
    })
  })

  it.each([
    ['listen: { host: 0.0.0.0 }', 'must not be open to the network without tokens'],
    ['tokens: [{ name: a, token: "short", role: admin }]', 'token'],
    ['tokens: [{ name: a, token: "${BRAIN_TOKEN_ENGINEER}", role: king }]', 'role'],
    [
      'tokens: [{ name: a, token: "${BRAIN_TOKEN_ENGINEER}", role: admin }, { name: b, token: "${BRAIN_TOKEN_ENGINEER}", role: admin }]',
      'is the same as another one',
    ],
    ['limits: { maxMessage: 1KiB }', 'must be between 64KiB and 64MiB'],
    ['actions: { firstRetry: 1h, maxRetry: 1m }', 'must not be shorter than firstRetry'],
    ['smtp: { host: mail.example, from: a@b.example, user: x }', 'needs a password'],
    ['databaseUrl: mysql://x', 'databaseUrl'],
    ['lissten: {}', 'listen'],
  ])('is refused, with the place: %s', (line, words) => {
    const found = problems(`version: 1\n${line}\n`)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(words)
    expect(found[0]).toMatch(/^2:/)
    for (const secret of Object.values(SECRETS)) expect(found[0]).not.toContain(secret)
  })
})

describe('analytics and reports of brain.yaml', () => {
  const loaded = (text: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-brain-yaml-'))
    const file = join(folder, 'brain.yaml')
    writeFileSync(file, text)
    try {
      const result = loadBrainConfig(file, SECRETS)
      if (result.ok) return result.config
      return result.problems.map(
        (problem) => `${problem.file.replace(folder, '')}:${problem.line}:${problem.column}: ${problem.message}`,
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  it('are taken, with what is left out by default', () => {
    expect(
      loaded(`version: 1
analytics: { maxAge: 1y, threads: 4 }
reports:
  - { name: hourly, sensors: ["press-*.*", a.b], every: 1h }
  - { name: hourly, tenant: plant-b, sensors: ["*"] }
`),
    ).toMatchObject({
      analytics: { maxReadings: 20_000_000, maxAgeMs: 365 * DAY, threads: 4 },
      reports: [
        {
          name: 'hourly',
          tenant: 'default',
          title: 'Report',
          sensors: ['press-*.*', 'a.b'],
          everyMs: 3_600_000,
          mailTo: [],
        },
        { name: 'hourly', tenant: 'plant-b', sensors: ['*'], everyMs: DAY },
      ],
    })
  })

  it.each<[what: string, yaml: string, expected: string]>([
    ['no thread', 'analytics: { threads: 0 }', '2:23'],
    ['more threads than there may be', 'analytics: { threads: 65 }', '2:23'],
    ['half a reading', 'analytics: { maxReadings: 0.5 }', '2:27'],
    ['an age that is no duration', 'analytics: { maxAge: long }', '2:22'],
    ['a key that is none', 'analytics: { maxage: 90d }', '2:14'],
    ['a report without sensors', 'reports:\n  - { name: a, sensors: [] }', '3:25'],
    ['a report that names none', 'reports:\n  - { name: a }', '3:5'],
    ['a report without a name', 'reports:\n  - { sensors: [a.b] }', '3:5'],
    ['a name that is no id', 'reports:\n  - { name: "../a", sensors: [a.b] }', '3:13'],
    ['a tenant that is no id', 'reports:\n  - { name: a, tenant: "A B", sensors: [a.b] }', '3:24'],
    ['too short a period', 'reports:\n  - { name: a, sensors: [a.b], every: 59s }', '3:39'],
    ['too long a period', 'reports:\n  - { name: a, sensors: [a.b], every: 367d }', '3:39'],
    ['mail without a server', 'reports:\n  - { name: a, sensors: [a.b], mailTo: [x@y.example] }', '3:40'],
    ['two of one name', 'reports:\n  - { name: a, sensors: [a.b] }\n  - { name: a, sensors: [a.c] }', '4:13'],
  ])('are refused with FILE:LINE:COLUMN: %s', (_what, yaml, place) => {
    const found = loaded(`version: 1\n${yaml}\n`)
    expect(found).toEqual([expect.stringMatching(new RegExp(`^/brain\\.yaml:${place}: .{10}`)) as string])
  })

  it('tell all that is wrong at once', () => {
    const found = loaded(`version: 1
analytics: { threads: many }
reports:
  - { name: a, sensors: [a.b], every: 1s, mailTo: [x@y.example] }
`)
    expect(found).toHaveLength(1) // what is of the wrong kind first; what does not go together when all is of its kind
    const second = loaded(`version: 1
reports:
  - { name: a, sensors: [a.b], every: 1s, mailTo: [x@y.example] }
`)
    expect(second).toHaveLength(2)
  })
})
