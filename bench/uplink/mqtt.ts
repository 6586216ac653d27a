// mqtt, qos 1, at a real mosquitto; the bare client is mqtt.js with a payload that is ready.

import { connectAsync } from 'mqtt'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { SENSOR_IDS, SENSORS, WINDOW, type Contender } from './contender.ts'

const PAYLOAD = '{"t":"2026-11-20T12:00:00.000Z","v":21.5,"q":"good","id":"edge-01/3/100042"}'
const TOPICS = SENSOR_IDS.map((id) => `plant-a/${id.replace('.', '/')}`)

export const contender: Contender = {
  type: 'mqtt',
  missing: hasMosquitto ? null : 'mosquitto',
  async open() {
    const broker = await Mosquitto.start({ listener: ['set_tcp_nodelay true'] }) // else PUBACKs wait for our next segment (Nagle)
    return {
      kind: mqttUplink,
      config: { url: broker.url },
      bare: (seconds) => publishBare(broker.url, seconds),
      close: () => broker.close(),
    }
  },
}

async function publishBare(url: string, seconds: number): Promise<number> {
  const client = await connectAsync(url, { clientId: 'bare' })
  const end = performance.now() + seconds * 1000
  let sent = 0
  let acknowledged = 0
  await new Promise<void>((resolve) => {
    const publish = (): void => void client.publish(TOPICS[sent++ % SENSORS]!, PAYLOAD, { qos: 1 }, onAcknowledged)
    const onAcknowledged = (): void => {
      acknowledged += 1
      if (performance.now() < end) publish()
      else if (acknowledged === sent) resolve()
    }
    for (let n = 0; n < WINDOW; n++) publish()
  })
  await client.endAsync()
  return acknowledged
}
