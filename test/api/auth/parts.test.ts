import crypto from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Accounts } from '#api/auth/accounts.ts'
import { Attempts } from '#api/auth/attempts.ts'
import { hashPassword, verifyPassword } from '#api/auth/password.ts'
import { Sessions } from '#api/auth/sessions.ts'
import { Throttle } from '#api/auth/throttle.ts'
import { TelemetryError } from '#domain/errors.ts'
import { systemClock } from '#kit/clock.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { PASSWORD, temporaryFolder } from '../fixture.ts'

describe('password hashes', () => {
  it('are argon2id with a salt of their own, in the PHC format', async () => {
    const [first, second] = await Promise.all([hashPassword(PASSWORD), hashPassword(PASSWORD)])
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(first).not.toBe(second)
    expect(await verifyPassword(PASSWORD, first)).toBe(true)
    expect(await verifyPassword(`${PASSWORD} `, first)).toBe(false)
  })

  it('agree with another implementation', async () => {
    // From src/test.c of the reference implementation (phc-winner-argon2): argon2id, version 0x13, 2 passes, 2^16 KiB.
    const phc = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await verifyPassword('password', phc)).toBe(true)
    expect(await verifyPassword('differentpassword', phc)).toBe(false)
  })

  it('take a password typed with another composition of the same letters', async () => {
    const hash = await hashPassword('pässwörd-lang')
    expect(await verifyPassword('pässwörd-lang'.normalize('NFD'), hash)).toBe(true)
  })
})

describe('accounts', () => {
  it('survive a crash that left a half-written file beside them', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'auth.json')
    const accounts = new Accounts(path, systemClock)
    await accounts.load()
    await writeFile(`${path}.new`, '{"version":', { mode: 0o644 })
    const { token } = await accounts.createToken('scraper', 'viewer')
    const again = new Accounts(path, systemClock)
    await again.load()
    expect(again.tokenPrincipal(token, false)).toEqual({ name: 'token:scraper', role: 'viewer', via: 'token' })
    expect(await readdir(folder)).toEqual(['auth.json'])
  })

  it('take many changes at once without losing one', async () => {
    const path = join(await temporaryFolder(), 'auth.json')
    const accounts = new Accounts(path, systemClock)
    await Promise.all(Array.from({ length: 20 }, (_, index) => accounts.createToken(`t${index}`, 'viewer')))
    const again = new Accounts(path, systemClock)
    await again.load()
    expect(
      again
        .tokens()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(Array.from({ length: 20 }, (_, index) => `t${index}`).toSorted())
  })
})

describe('sessions', () => {
  it('of one user do not end those of others, however many they are', () => {
    const sessions = new Sessions(new ManualClock())
    const admin = sessions.begin('admin', '192.0.2.1')
    const ids = Array.from({ length: 1200 }, () => sessions.begin('jo', '192.0.2.2'))
    expect(sessions.find(admin, false)).toMatchObject({ user: 'admin' })
    expect(sessions.allOf('jo')).toHaveLength(100)
    expect(sessions.find(ids.at(-100)!, false)).not.toBeNull()
    expect(sessions.find(ids.at(-101)!, false)).toBeNull()
  })
})

describe('a password that is changed while somebody logs in with the old one', () => {
  it('lets nobody in any more, although the old one was right when it was looked at', async () => {
    const accounts = new Accounts(join(await temporaryFolder(), 'auth.json'), systemClock)
    await accounts.addUser('jo', 'the old password', 'viewer')
    const hash = crypto.argon2
    const held: (() => void)[] = []
    let isHeld = true
    const replace = (argon2: typeof hash): void => {
      crypto.argon2 = argon2
      syncBuiltinESMExports()
    }
    onTestFinished(() => replace(hash))
    replace((algorithm, parameters, done) =>
      hash(algorithm, parameters, (error, result) => {
        const tell = (): void => done(error, result)
        if (isHeld) held.push(tell)
        else tell()
      }),
    )
    const loggingIn = accounts.authenticate('jo', 'the old password')
    replace(hash)
    await accounts.setPassword('jo', 'the new password')
    isHeld = false
    for (const tell of held) tell()
    expect(await loggingIn).toBeNull()
    expect(await accounts.authenticate('jo', 'the new password')).toMatchObject({ name: 'jo' })
  })
})

describe('the throttle', () => {
  it('doubles the wait up to its maximum', async () => {
    const throttle = new Throttle({ clock: new ManualClock(), free: 2, maxDelayMs: 5000 })
    const waits: number[] = []
    for (let failure = 0; failure < 7; failure++) {
      throttle.failed('shift-lead')
      waits.push(throttle.waitMs('shift-lead'))
    }
    expect(waits).toEqual([0, 0, 1000, 2000, 4000, 5000, 5000])
    expect(throttle.waitMs('jo')).toBe(0)
    throttle.succeeded('shift-lead')
    expect(throttle.waitMs('shift-lead')).toBe(0)
  })

  it('takes the addresses of one IPv6 network for one', async () => {
    const attempts = new Attempts({ clock: new ManualClock(), maxHashes: 2 })
    const guess = async (address: string): Promise<string> => {
      const wrong = (): Promise<never> => Promise.reject(new TelemetryError('UNAUTHENTICATED', 'wrong'))
      return attempts.check(`name of ${address}`, address, wrong).catch(({ code }: { code: string }) => code)
    }
    for (let host = 1; host <= 11; host++) expect(await guess(`2001:db8:0:1::${host}`)).toBe('UNAUTHENTICATED')
    expect(await guess('2001:db8:0:1:ffff::12')).toBe('TOO_MANY_REQUESTS')
    expect(await guess('2001:db8:0:2::1')).toBe('UNAUTHENTICATED')
  })

  it('remembers a bounded number of keys', () => {
    const throttle = new Throttle({ clock: new ManualClock(), free: 0, maxDelayMs: 5000 })
    for (let key = 0; key <= 10_000; key++) throttle.failed(`address-${key}`)
    expect(throttle.waitMs('address-0')).toBe(0)
    expect(throttle.waitMs('address-1')).toBe(1000)
  })
})
