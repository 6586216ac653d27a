import { vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { describeUplink } from '../../contract/uplink-contract.ts'
import { hasMosquitto, Mosquitto } from './mosquitto.ts'
import { Subscriber } from './subscriber.ts'

describeUplink({
  kind: mqttUplink,
  needs: 'mosquitto',
  isPresent: hasMosquitto,
  open: async () => {
    const broker = await Mosquitto.start()
    const subscriber = await Subscriber.open(broker.url)
    return {
      config: { url: broker.url },
      ids: () => subscriber.ids(),
      stop: () => broker.stop('SIGTERM'),
      start: async () => {
        await broker.start()
        await vi.waitUntil(() => subscriber.isConnected, EVENTUALLY)
      },
      close: async () => {
        await subscriber.close()
        await broker.close()
      },
    }
  },
})
