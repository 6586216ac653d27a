// A serial device on a real pseudo-terminal: asking, listening, writing, sharing, unplugging. Time is a ManualClock but for
// the test with acquisition.

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAcquisition } from '#acquisition/acquisition.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'
import { hasSocat, SerialPty } from '#test/sim/serial-pty.ts'
import { deviceOn, NEVER, serialSetup, testDevice, TIMEOUT_MS, type TestSetup } from './serial-device.ts'

const VALUE = '^(?<value>-?[0-9.]+)$'

describe.skipIf(!hasSocat)('a serial device (needs socat)', () => {
  let pty: SerialPty
  const ends: (() => Promise<void>)[] = []

  beforeEach(async () => {
    pty = await SerialPty.start(1)
  })

  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await pty.stop()
  })

  async function connected(changes: Partial<TestSetup> = {}) {
    const bench = testDevice({ path: pty.path, ...changes })
    await bench.device.connect(NEVER)
    ends.push(() => bench.device.close())
    return bench
  }

  /** Answers each request line by a function; returns the requests. */
  function serve(answer: (request: string) => string): string[] {
    const requests: string[] = []
    let input = ''
    pty.onData = (chunk) => {
      input += chunk.toString('latin1')
      for (let end = input.indexOf('\r\n'); end !== -1; end = input.indexOf('\r\n')) {
        const request = input.slice(0, end)
        input = input.slice(end + 2)
        requests.push(request)
        pty.send(answer(request))
      }
    }
    return requests
  }

  async function listening(changes: Partial<TestSetup> = {}) {
    const bench = await connected({ request: undefined, ...changes })
    const sink = new RecordingSink()
    await bench.device.subscribe?.(sink, NEVER)
    return { ...bench, sink }
  }

  describe('that is asked', () => {
    it('gives every sensor its field', async () => {
      serve(() => 'S    12.50 kg\r\n')
      const { poll } = await connected()
      const { results } = await poll()
      expect([...results.values()]).toEqual([[{ value: 12.5 }], [{ value: 1 }], [{ value: 'kg' }]])
    })

    it('asks once for all sensors with the same request, and apart for others', async () => {
      const requests = serve((request) => (request === 'V?' ? '230.1\r\n' : '5.2\r\n'))
      const { poll } = await connected({
        parse: { pattern: VALUE },
        request: { timeout: TIMEOUT_MS },
        sensors: [
          { field: 'value', send: 'V?\r\n' },
          { field: 'value', send: 'I?\r\n' },
          { field: 'value', send: 'V?\r\n' },
        ],
      })
      expect((await poll()).values).toEqual([230.1, 230.1, 5.2])
      expect(requests).toEqual(['V?', 'I?'])
    })

    it('makes only the sensors of a refused request bad', async () => {
      serve((request) => (request === 'V?' ? '230.1\r\n' : 'ERR 3\r\n'))
      const { poll, clock, context } = await connected({
        parse: { pattern: VALUE },
        request: { timeout: TIMEOUT_MS },
        sensors: [
          { field: 'value', send: 'X?\r\n' },
          { field: 'value', send: 'V?\r\n' },
        ],
      })
      const polling = poll()
      await vi.waitFor(() => expect(context.errors.get('no-match')).toBe(1), EVENTUALLY)
      await clock.advance(100) // the line must fall silent after nonsense
      const sink = await polling
      expect(sink.only(0)).toEqual({ bad: 'BadDecodingError' })
      expect(sink.only(1)).toEqual({ value: 230.1 })
    })

    it('gives no value from an answer with a wrong checksum', async () => {
      serve(() => '12.5*00\r\n')
      const { poll, context } = await connected({
        parse: { pattern: VALUE },
        checksum: { type: 'xor', separator: '*' },
      })
      await expect(poll()).rejects.toMatchObject({ code: 'PROTOCOL', retryable: true })
      expect(context.errors.get('checksum')).toBe(1)
    })

    it('drops a late answer, counts it, and asks again at once', async () => {
      const answers = ['', 'S 2 kg\r\n']
      const requests = serve(() => answers.shift() ?? '')
      const { poll, clock, context } = await connected({ sensors: [{ field: 'weight' }] })
      const failing = expect(poll()).rejects.toMatchObject({ code: 'TIMEOUT' })
      await vi.waitFor(() => expect(requests).toHaveLength(1), EVENTUALLY)
      await clock.advance(TIMEOUT_MS)
      await failing
      const next = poll()
      await clock.advance(TIMEOUT_MS / 2)
      expect(requests).toHaveLength(1) // still listens for the late answer
      pty.send('S 1 kg\r\n')
      expect((await next).values).toEqual([2])
      expect(context.errors.get('late-answer')).toBe(1)
    })

    it('shows what went over the wire', async () => {
      serve(() => 'S 1 kg\r\n')
      const { poll, device } = await connected()
      await poll()
      const shown = device.frames?.().map(({ direction, bytes }) => `${direction} ${Buffer.from(bytes).toString()}`)
      expect(shown).toEqual(['sent P\r\n', 'received S 1 kg\r\n'])
    })
  })

  describe('that sends by itself', () => {
    it('is heard, from the first whole frame on', async () => {
      const { sink } = await listening()
      pty.send('2.5 kg\r\nS 12.5 kg\r\nS 13')
      pty.send('.5 kg\r\n')
      await vi.waitFor(() => expect(sink.results.get(0)).toEqual([{ value: 12.5 }, { value: 13.5 }]), EVENTUALLY)
    })

    it('is believed from the first byte when the line was silent before', async () => {
      const { sink, clock } = await listening()
      await clock.advance(1000)
      pty.send('S 12.5 kg\r\n')
      await vi.waitFor(() => expect(sink.results.get(0)).toEqual([{ value: 12.5 }]), EVENTUALLY)
    })

    it('is bad while it sends what is no value, and good again afterwards', async () => {
      const { sink, context } = await listening()
      pty.send('\r\nS ----- kg\r\nS 1 kg\r\n')
      await vi.waitFor(
        () => expect(sink.results.get(0)).toEqual([{ bad: 'BadDecodingError' }, { value: 1 }]),
        EVENTUALLY,
      )
      expect(context.errors.get('no-match')).toBe(1)
    })

    it('does not join the halves of two frames with a pause between', async () => {
      const setup = { parse: { pattern: VALUE }, sensors: [{ field: 'value' }] }
      const { device, sink, clock, context } = await listening(setup)
      pty.send('\r\n12.')
      pty.send('3')
      const heard = (): string => Buffer.concat(device.frames!().map(({ bytes }) => bytes)).toString()
      await vi.waitFor(() => expect(heard()).toBe('\r\n12.3'), EVENTUALLY) // all of it has come through socat
      await clock.advance(3000)
      pty.send('45\r\n')
      await vi.waitFor(() => expect(sink.values).toEqual([45]), EVENTUALLY)
      expect(context.errors.get('frame-cut')).toBe(1)
    })

    it('is told apart by pauses alone when its frames have a fixed length', async () => {
      const changes = {
        framing: { length: 4 },
        parse: { pattern: '^(?<value>[0-9]+)$' },
        sensors: [{ field: 'value' }],
      }
      const { sink, clock } = await listening(changes)
      await clock.advance(1000)
      pty.send('00120034')
      await vi.waitFor(() => expect(sink.values).toEqual([12, 34]), EVENTUALLY)
    })

    it('gives no wrong value and keeps working, whatever bytes come', async () => {
      const { sink } = await listening()
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => {
          sink.results.clear()
          pty.send(noise)
          pty.send('\r\nS 77 kg\r\n')
          await vi.waitFor(() => expect(sink.results.get(2)?.at(-1)).toEqual({ value: 'kg' }), {
            ...EVENTUALLY,
            interval: 1,
          })
          expect(sink.values).toEqual([77, 1, 'kg'])
        }),
        { numRuns: 50 },
      )
    })

    it('ends quietly when it is closed', async () => {
      const { device, sink, clock, context } = await listening()
      await device.close()
      expect(clock.pending).toBe(0)
      pty.send('\r\nS 1 kg\r\n')
      expect(sink.results.size).toBe(0)
      expect(context.lostCauses).toEqual([])
    })
  })

  describe('that is written', () => {
    const sensors = [{ field: 'value', send: 'SP?\r\n', write: { send: 'SP {value}\r\n', expect: '^OK$' } }]

    it('is told the value, confirms it, and is asked what it holds', async () => {
      let held = '0'
      const requests = serve((request) => {
        const value = /^SP ([0-9.]+)$/.exec(request)?.[1]
        if (value === undefined) return `${held}\r\n`
        held = value
        return 'OK\r\n'
      })
      const { device } = await connected({ parse: { pattern: VALUE }, sensors })
      await expect(device.write?.(0, 42.5, NEVER)).resolves.toBe(42.5)
      expect(requests).toEqual(['SP 42.5', 'SP?'])
    })

    it('may refuse', async () => {
      serve(() => 'ERR locked\r\n')
      const { device } = await connected({ parse: { pattern: VALUE }, sensors })
      await expect(device.write?.(0, 1, NEVER)).rejects.toMatchObject({ code: 'DEVICE_EXCEPTION' })
    })

    it('is not written when the sensor does not say how', async () => {
      const { device } = await connected()
      await expect(device.write?.(0, 1, NEVER)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    })
  })

  it('shares its port with another, and closes it after the last', async () => {
    serve((request) => (request === 'A' ? '1\r\n' : '2\r\n'))
    const clock = new ManualClock()
    const driver = serialDriver({ clock })
    const [a, b] = ['A', 'B'].map((id) =>
      deviceOn(
        {
          path: pty.path,
          id,
          parse: { pattern: VALUE },
          request: { send: `${id}\r\n`, timeout: TIMEOUT_MS },
          sensors: [{ field: 'value' }],
        },
        clock,
        driver,
      ),
    ) as [ReturnType<typeof testDevice>, ReturnType<typeof testDevice>]
    await a.device.connect(NEVER)
    await b.device.connect(NEVER)
    expect(pty.openCount).toBe(1)
    expect((await a.poll()).values).toEqual([1])
    expect((await b.poll()).values).toEqual([2])
    await a.device.close()
    expect((await b.poll()).values).toEqual([2])
    await b.device.close()
    expect(pty.openCount).toBe(0)
  })

  it('does not open a port that another program uses', async () => {
    const first = await connected()
    const second = testDevice({ path: pty.path })
    await expect(second.device.connect(NEVER)).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: `${pty.path} cannot be opened: another program uses it`,
    })
    await first.device.close()
    await second.device.connect(NEVER)
    await second.device.close()
  })

  it.each([true, false])('is unplugged, plugged in again, and good again by itself (asked: %s)', async (isAsked) => {
    serve(() => 'S 5 kg\r\n')
    const speaking = setInterval(() => isAsked || pty.send('S 5 kg\r\n'), 20)
    const sink = new RecordingSink()
    const acquisition = createAcquisition({
      clock: systemClock,
      log: silentLogger,
      registry: new Registry(),
      random: () => 0,
      sink,
      hasRoom: () => true,
      sensorQuality: () => null,
      devices: [
        {
          setup: serialSetup({ path: pty.path, ...(!isAsked && { request: undefined }) }),
          driver: serialDriver({ clock: systemClock }),
          machine: 'm',
        },
      ],
    })
    ends.push(async () => {
      clearInterval(speaking)
      await acquisition.stop(NEVER)
    })
    const weights = () => sink.results.get(0) ?? []
    await acquisition.start(NEVER)
    await vi.waitFor(() => expect(weights().at(-1)).toEqual({ value: 5 }), EVENTUALLY)
    pty.unplug()
    await vi.waitFor(() => expect(weights().at(-1)).toHaveProperty('bad'), EVENTUALLY)
    pty.plugIn()
    await vi.waitFor(() => expect(weights().at(-1)).toEqual({ value: 5 }), EVENTUALLY)
  })

  it('tells what is wrong with a port that is not there', async () => {
    const { device } = testDevice({ path: '/dev/no-such-port' })
    await expect(device.connect(NEVER)).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      retryable: true,
      message: '/dev/no-such-port cannot be opened: there is no such port',
    })
    expect(new RecordingContext().lostCauses).toEqual([])
  })
})
