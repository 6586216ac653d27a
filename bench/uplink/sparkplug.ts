// sparkplug, QoS 0, at a real mosquitto; the bare client is mqtt.js with a payload of one metric that is ready, 500 messages and
// then the same proof as the uplink's (an UNSUBSCRIBE and its answer), four of these under way. Readings of 20 devices come in turn
// here, so that each is a message of its own: the worst case of an order strictly by position.

import { connectAsync } from 'mqtt'
import { encodePayload } from '#kit/sparkplug/encode.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { sparkplugUplink } from '#uplinks/sparkplug/kind.ts'
import { WINDOW, type Contender } from './contender.ts'

const BATCH = 500
const SLICE = 250

export const contender: Contender = {
  type: 'sparkplug',
  missing: hasMosquitto ? null : 'mosquitto',
  async open() {
    const broker = await Mosquitto.start({ listener: ['set_tcp_nodelay true'] })
    return {
      kind: sparkplugUplink,
      config: { url: broker.url, group: 'plant-a' },
      bare: (seconds) => publishBare(broker.url, seconds),
      close: () => broker.close(),
    }
  },
}

async function publishBare(url: string, seconds: number): Promise<number> {
  const client = await connectAsync(url, { clientId: 'bare' })
  const metrics = [{ alias: 20n, timestamp: 1_795_000_000_000n, value: { case: 'doubleValue' as const, value: 21.5 } }]
  const payload = Buffer.from(
    encodePayload({ timestamp: 1_795_000_000_000n, metrics, seq: 7n, uuid: 'edge-01/3/100042' }),
  )
  const end = performance.now() + seconds * 1000
  let acknowledged = 0
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      for (let sent = 0; sent < BATCH; sent++) {
        client.publish('spBv1.0/plant-a/DDATA/edge-01/press-1', payload, { qos: 0 })
        if (sent % SLICE === SLICE - 1) await new Promise(setImmediate)
      }
      await client.unsubscribeAsync('telemetryx/barrier')
      acknowledged += BATCH
    }
  }
  await Promise.all(Array.from({ length: WINDOW / BATCH }, lane))
  await client.endAsync()
  return acknowledged
}
