import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultBrainConfig, parseBrainConfig } from '#config/brain-load.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'

const SECRETS = {
  BRAIN_TOKEN_PLANT_A: 'a'.repeat(32),
  BRAIN_TOKEN_ENGINEER: 'b'.repeat(32),
  BRAIN_TOKEN_PLANT_B: 'c'.repeat(32),
  BRAIN_DATABASE_PASSWORD: 'secret',
  SMTP_PASSWORD: 'secret',
}

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
