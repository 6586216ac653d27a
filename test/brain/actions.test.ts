import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { connectAsync } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { AddressGuard } from '#brain/actions/safe-address.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { BrainBed } from './brain-bed.ts'

const WAIT = { timeout: 60_000, interval: 20 }

interface Post {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Answers with the statuses it is given, then 200. */
class HookPeer {
  readonly posts: Post[] = []
  answers: number[] = []
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      this.posts.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() })
      const status = this.answers.shift() ?? 200
      response.writeHead(status, status >= 300 && status < 400 ? { Location: '/elsewhere' } : {}).end('ok')
    })
  })

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
}

/** As much of RFC 5321 as a client needs. Refuses the first `failures` mails for now (451). */
class SmtpPeer {
  readonly mails: Mail[] = []
  failures = 0
  port = 0
  readonly #server = createTcpServer((socket) => {
    const say = (text: string): void => void socket.write(`${text}\r\n`)
    let mail = { from: '', to: [] as string[], text: '' }
    let isText = false
    say('220 peer')
    socket.on('error', () => {})
    createInterface(socket).on('line', (line) => {
      if (isText) {
        if (line !== '.') return void (mail.text += `${line}\n`)
        isText = false
        this.mails.push(mail)
        mail = { from: '', to: [], text: '' }
        return say('250 taken')
      }
      if (/^(?:EHLO|HELO|RSET|NOOP)/i.test(line)) return say('250 peer')
      if (/^MAIL FROM:/i.test(line)) {
        if (this.failures-- > 0) return say('451 later')
        mail.from = line.slice(10)
        return say('250 ok')
      }
      if (/^RCPT TO:/i.test(line)) {
        mail.to.push(/<(.*)>/.exec(line)?.[1] ?? '')
        return say('250 ok')
      }
      if (/^DATA/i.test(line)) {
        isText = true
        return say('354 go on')
      }
      if (/^QUIT/i.test(line)) return void socket.end('221 bye\r\n')
      return say('500 what')
    })
  })

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
  }

  stop(): void {
    this.#server.close()
  }
}

const hook = new HookPeer()
const smtp = new SmtpPeer()
let broker: Mosquitto | null = null
// A server starts faster than the embedded database, and here the brain starts often.
let postgres: PostgresPeer | null = null
let bed: BrainBed

beforeAll(async () => {
  await hook.start()
  await smtp.start()
  if (hasMosquitto) broker = await Mosquitto.start()
  const from = 'TelemetryX <alerts@plant.example>'
  postgres = hasPostgres ? await startPostgres() : null
  bed = await new BrainBed({
    databaseUrl: postgres?.url ?? null,
    webhooks: { allowPrivate: true, timeoutMs: 5000 },
    smtp: { host: '127.0.0.1', port: smtp.port, tls: 'none', user: null, password: null, from },
    mqtt: broker && { url: broker.url, user: null, password: null },
  }).start()
})
afterAll(async () => {
  await bed.close()
  hook.stop()
  smtp.stop()
  await broker?.close()
  await postgres?.stop()
})
afterEach(async () => {
  hook.posts.length = 0
  const rules = bed.rules()
  for (const { id } of (await rules.list()).rules) await rules.delete(id)
})

type Kind =
  | { case: 'webhook'; value: { url: string; secret?: string } }
  | { case: 'email'; value: { to: string[]; subject?: string } }
  | { case: 'mqtt'; value: { topic: string } }

async function speak(...kinds: Kind[]): Promise<void> {
  const condition = '{">":[{"var":"value"},80]}'
  const actions = kinds.map((kind) => ({ kind }))
  await bed.rules().create({ id: 'hot', name: 'Too hot', enabled: true, severity: 3, condition, actions })
  await fire()
}

async function fire(): Promise<void> {
  const value = { sensor: 'press-1.oil', gateway: 'edge-01', value: { kind: { case: 'number' as const, value: 99 } } }
  await bed.rules().evaluate({ records: [{ kind: { case: 'reading', value } }] })
}

async function settled(): Promise<void> {
  await vi.waitFor(async () => expect(await bed.metric('telemetryx_brain_actions_pending')).toBe(0), WAIT)
}

describe('A webhook', () => {
  it('posts the alert, signed with its secret', async () => {
    await speak({ case: 'webhook', value: { url: hook.url, secret: 'pssst' } })
    await vi.waitFor(() => expect(hook.posts).toHaveLength(1), WAIT)
    const { body, headers } = hook.posts[0]!
    expect(JSON.parse(body)).toMatchObject({ ruleId: 'hot', sensor: 'press-1.oil', data: { value: 99 } })
    const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-telemetryx-signature'])) ?? []
    expect(signature).toBe(createHmac('sha256', 'pssst').update(`${time}.${body}`).digest('hex'))
    expect(headers['x-telemetryx-delivery']).toMatch(/-0$/)
  })

  it('keeps its secret when the rule is read and written back', async () => {
    await speak({ case: 'webhook', value: { url: hook.url, secret: 'pssst' } })
    const { rule } = await bed.rules().get('hot')
    await bed.rules().update({ rule: rule! })
    await fire()
    await vi.waitFor(() => expect(hook.posts).toHaveLength(2), WAIT)
    expect(hook.posts[1]!.headers['x-telemetryx-signature']).toMatch(/^t=/)
  })

  it('is tried again with the same id until it is taken', async () => {
    hook.answers = [500, 429, 200]
    await speak({ case: 'webhook', value: { url: hook.url } })
    await vi.waitFor(() => expect(hook.posts).toHaveLength(3), WAIT)
    await settled()
    expect(new Set(hook.posts.map(({ headers }) => headers['x-telemetryx-delivery'])).size).toBe(1)
  })

  it('is given up when it is refused for good, does not follow redirects, and is not tried for ever', async () => {
    for (const answers of [[404], [302]]) {
      hook.answers = answers
      await speak({ case: 'webhook', value: { url: hook.url } })
      await settled()
      expect(hook.posts.map(({ path }) => path)).toEqual(['/hook'])
      await bed.rules().delete('hot')
      hook.posts.length = 0
    }
    hook.answers = Array.from({ length: 20 }, () => 503)
    await speak({ case: 'webhook', value: { url: hook.url } })
    await settled()
    expect(hook.posts).toHaveLength(5)
    hook.answers = []
  })

  it('is carried out after a restart when it could not be before', async () => {
    hook.answers = Array.from({ length: 3 }, () => 503)
    await speak({ case: 'webhook', value: { url: hook.url } })
    await vi.waitFor(() => expect(hook.posts.length).toBeGreaterThan(0), WAIT)
    await bed.restart()
    await settled()
    expect(hook.posts.length).toBeGreaterThanOrEqual(2)
  })
})

describe('Addresses', () => {
  const guard = new AddressGuard(false)

  const forbidden = [
    '127.0.0.1 127.1.2.3 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0',
    '224.0.0.1 255.255.255.255 198.18.0.1 ::1 :: fe80::1 fc00::1 fd12:3456::1 ff02::1',
    '::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:a00:1 64:ff9b::7f00:1 2002:7f00:1::',
  ].join(' ')

  it.each(forbidden.split(' '))('of this machine and of private networks are refused: %s', (address) => {
    expect(guard.allows(address)).toBe(false)
    expect(new AddressGuard(true).allows(address)).toBe(true)
  })

  it.each(['8.8.8.8', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    'of others are taken: %s',
    (address) => {
      expect(guard.allows(address)).toBe(true)
    },
  )

  it('are checked as they resolve, whatever a name looks like', async () => {
    const found = await new Promise((resolve) => guard.lookup('localhost', {}, (error) => resolve(error)))
    expect(found).toMatchObject({ code: 'REJECTED' })
    for (const host of [
      'http://127.0.0.1/',
      'http://[::1]/',
      'http://2130706433/',
      'http://0x7f.1/',
      'http://[::ffff:127.0.0.1]/',
    ])
      expect(() => guard.check(new URL(host).hostname)).toThrow('private network')
  })

  it('that are forbidden are not even tried', async () => {
    const closed = await new BrainBed().start()
    try {
      const actions = [
        { kind: { case: 'webhook' as const, value: { url: hook.url.replace('127.0.0.1', 'localhost') } } },
      ]
      await closed.rules().create({ id: 'hot', enabled: true, severity: 3, condition: 'true', actions })
      await closed.rules().evaluate({ records: [{ kind: { case: 'custom', value: {} } }] })
      await vi.waitFor(async () => expect(await closed.metric('telemetryx_brain_actions_pending')).toBe(0), WAIT)
      expect(await closed.metric('telemetryx_brain_actions_total')).toBe(1)
      expect(hook.posts).toEqual([])
    } finally {
      await closed.close()
    }
  })
})

describe('A mail', () => {
  it('is sent, and sent again when the server could not take it', async () => {
    smtp.failures = 1
    await speak({
      case: 'email',
      value: { to: ['shift@plant.example', 'boss@plant.example'], subject: '{sensor} is at {value}' },
    })
    await vi.waitFor(() => expect(smtp.mails).toHaveLength(1), WAIT)
    const [mail] = smtp.mails
    expect(mail!.to).toEqual(['shift@plant.example', 'boss@plant.example'])
    expect(mail!.text).toContain('Subject: press-1.oil is at 99')
    expect(mail!.text).toContain('Severity: high')
  })
})

describe.skipIf(!hasMosquitto)('A message over MQTT (needs mosquitto)', () => {
  it('is published', async () => {
    const client = await connectAsync(broker!.url)
    const received: string[] = []
    client.on('message', (_topic, payload) => received.push(payload.toString()))
    await client.subscribeAsync('alerts/#', { qos: 1 })
    await speak({ case: 'mqtt', value: { topic: 'alerts/plant-a' } })
    await vi.waitFor(() => expect(received).toHaveLength(1), WAIT)
    expect(JSON.parse(received[0]!)).toMatchObject({ ruleId: 'hot', severity: 'ALARM_SEVERITY_HIGH' })
    await client.endAsync()
  })
})
