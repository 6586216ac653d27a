// The HTTP driver in the suite of drivers that send: an inbox stands where the gateway's is.

import type { Inbox, InboxEndpoint } from '#domain/ingest.ts'
import { httpDriver } from '#drivers/http/driver.ts'
import { describeSendingDriverContract, type SendingPeer } from '#test/contract/sending-driver-contract.ts'
import { setupsOf } from '#test/drivers/mqtt/mqtt-device.ts'

class OneInbox implements Inbox, SendingPeer {
  readonly context = { inbox: this }
  readonly stop = null
  #endpoint: InboxEndpoint | null = null

  open(_device: string, endpoint: InboxEndpoint): () => void {
    this.#endpoint = endpoint
    return () => {
      this.#endpoint = null
    }
  }

  send(value: number): Promise<void> {
    return this.#give(value)
  }

  readonly sendGarbage = (): Promise<void> => this.#give('no number')

  restart(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** As the gateway does: takes what has no problems. */
  #give(value: number | string): Promise<void> {
    const readings = [{ sensor: 's', value, time: null }]
    if (this.#endpoint?.check(readings).length === 0) this.#endpoint.take(readings)
    return Promise.resolve()
  }
}

describeSendingDriverContract({
  name: 'http',
  createDriver: httpDriver,
  startPeer: () => Promise.resolve(new OneInbox()),
  setup: () => setupsOf('  - { id: d, driver: http, sensors: [ { id: s } ] }\n', httpDriver())[0]!,
})
