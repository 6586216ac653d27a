// The serial driver in the suite of all drivers, on real pseudo-terminals.

import { describe } from 'vitest'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import { describeDriverContract, type Behaviour, type ContractPeer } from '#test/contract/driver-contract.ts'
import { hasSocat, SerialPty } from '#test/sim/serial-pty.ts'
import { serialSetup, TIMEOUT_MS } from './serial-device.ts'

/** How often the suite unplugs in one test. */
const SPARES = 4

class ScalePeer implements ContractPeer {
  readonly pty: SerialPty
  #behaviour: Behaviour = 'well'
  #late: string[] = []
  #input = ''
  #round = 0
  #onRequest: (() => void)[] = []

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
    switch (this.#behaviour) {
      case 'well':
        this.pty.send(truth)
        break
      case 'silent':
        break
      case 'garbage':
        this.pty.send('\x00\xff\x8dSSH-2.0-nonsense\r\n\xfe')
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
    const tell = (): void => this.#onRequest.splice(0).forEach((resolve) => resolve())
    // What is to disturb the driver should have reached it when the suite goes on.
    if (['garbage', 'halfAnswers', 'hangsUp'].includes(this.#behaviour)) setTimeout(tell, 50)
    else tell()
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
})
