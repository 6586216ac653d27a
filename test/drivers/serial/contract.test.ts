// The serial driver in the suite of all drivers, on real pseudo-terminals.

import { describe, expect, vi } from 'vitest'
import type { Device } from '#domain/driver.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { describeDriverContract, type Behaviour, type ContractPeer } from '#test/contract/driver-contract.ts'
import { describeSendingDriverContract, type SendingPeer } from '#test/contract/sending-driver-contract.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import type { RecordingContext } from '#test/sim/recording-sink.ts'
import { hasSocat, SerialPty } from '#test/sim/serial-pty.ts'
import { serialSetup, TIMEOUT_MS } from './serial-device.ts'

/** How often the suite unplugs in one test. */
const SPARES = 4
const GARBAGE = '\x00\xff\x8dSSH-2.0-nonsense\r\n\xfe'

class ScalePeer implements ContractPeer {
  readonly pty: SerialPty
  #behaviour: Behaviour = 'well'
  #late: string[] = []
  #input = ''
  #round = 0
  #onRequest: (() => void)[] = []
  #device: Device | null = null
  #losses = (): number => 0

  constructor(pty: SerialPty) {
    this.pty = pty
    pty.onData = (chunk) => {
      this.#input += chunk.toString('latin1')
      for (;;) {
        const end = this.#input.indexOf('\r\n')
        if (end === -1) return
        this.#input = this.#input.slice(end + 2)
        this.#answer()
      }
    }
  }

  watch(device: Device, context: RecordingContext): void {
    this.#device = device
    this.#losses = () => context.lostCauses.length
  }

  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour
  }

  changeValues(): ReadonlyMap<SensorNumber, Value> {
    this.#round += 1
    return new Map<SensorNumber, Value>([
      [0, this.#round * 1.5],
      [1, this.#round % 2],
      [2, 'kg'],
    ])
  }

  releaseLateAnswers(): void {
    for (const answer of this.#late.splice(0)) this.pty.send(answer)
  }

  nextRequest(): Promise<unknown> {
    return new Promise<void>((resolve) => this.#onRequest.push(resolve))
  }

  hangUp(): void {
    this.pty.unplug()
    this.#input = ''
    this.pty.plugIn()
  }

  openConnections(): number {
    return this.pty.openCount
  }

  async stop(): Promise<void> {
    this.pty.unplug()
    this.#input = ''
    await Promise.resolve()
  }

  async restart(): Promise<void> {
    this.pty.plugIn()
    await Promise.resolve()
  }

  #answer(): void {
    const truth = `${this.#round % 2 === 1 ? 'S' : 'U'}   ${(this.#round * 1.5).toFixed(2)} kg\r\n`
    const losses = this.#losses()
    switch (this.#behaviour) {
      case 'well':
        this.pty.send(truth)
        break
      case 'silent':
        break
      case 'garbage':
        this.pty.send(GARBAGE)
        break
      case 'halfAnswers':
        this.pty.send(truth.slice(0, truth.length >> 1))
        break
      case 'late':
        this.#late.push(truth)
        break
      case 'hangsUp':
        this.hangUp()
        break
    }
    void this.#hasArrived(truth, losses).then(() => this.#onRequest.splice(0).forEach((resolve) => resolve()))
  }

  /** What is to disturb the driver has reached it: only then the suite moves time on. */
  async #hasArrived(truth: string, losses: number): Promise<void> {
    const last = (): string => {
      const frame = this.#device?.frames?.().at(-1)
      return frame?.direction === 'received' ? Buffer.from(frame.bytes).toString('latin1') : ''
    }
    const behaviour = this.#behaviour
    const half = truth.slice(0, truth.length >> 1)
    if (behaviour === 'garbage') await vi.waitFor(() => expect(last().endsWith(GARBAGE)).toBe(true), EVENTUALLY)
    if (behaviour === 'halfAnswers') await vi.waitFor(() => expect(last().endsWith(half)).toBe(true), EVENTUALLY)
    if (behaviour === 'hangsUp') await vi.waitFor(() => expect(this.#losses()).toBeGreaterThan(losses), EVENTUALLY)
  }
}

/** An instrument that sends by itself. */
class StreamPeer implements SendingPeer {
  readonly pty: SerialPty

  constructor(pty: SerialPty) {
    this.pty = pty
  }

  send(value: number): Promise<void> {
    // A beginning of its own: what was heard of the garbage before is no part of it.
    this.pty.send(`\r\nS ${value.toFixed(1)} kg\r\n`)
    return Promise.resolve()
  }

  readonly sendGarbage = (): Promise<void> => {
    this.pty.send(GARBAGE)
    return Promise.resolve()
  }

  readonly stop = (): Promise<void> => {
    this.pty.unplug()
    return Promise.resolve()
  }

  restart(): Promise<void> {
    this.pty.plugIn()
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.pty.unplug()
    return Promise.resolve()
  }
}

describe.skipIf(!hasSocat)('on a pseudo-terminal (needs socat)', () => {
  describeDriverContract({
    name: 'serial',
    timeoutMs: TIMEOUT_MS,
    listensMs: TIMEOUT_MS,
    createDriver: (clock) => serialDriver({ clock }),
    startPeer: async () => new ScalePeer(await SerialPty.start(SPARES)),
    setup: (peer) => {
      if (!(peer instanceof ScalePeer)) throw new TypeError('Another harness made this peer')
      return serialSetup({ path: peer.pty.path })
    },
  })

  describeSendingDriverContract({
    name: 'serial, listening',
    createDriver: () => serialDriver({ clock: systemClock }),
    startPeer: async () => new StreamPeer(await SerialPty.start(SPARES)),
    setup: (peer) => {
      if (!(peer instanceof StreamPeer)) throw new TypeError('Another harness made this peer')
      return serialSetup({ path: peer.pty.path, request: undefined, sensors: [{ field: 'weight' }] })
    },
  })
})
