import { vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { sparkplugUplink } from '#uplinks/sparkplug/kind.ts'
import { describeUplink } from '../../contract/uplink-contract.ts'
import { hasMosquitto, Mosquitto } from '../mqtt/mosquitto.ts'
import { Host, HOST } from './host.ts'

describeUplink({
  kind: sparkplugUplink,
  needs: 'mosquitto',
  isPresent: hasMosquitto,
  open: async () => {
    const broker = await Mosquitto.start({ persistence: false }) // else a restarted broker would still say that the host is online
    const host = await Host.open(broker.url)
    return {
      config: { url: broker.url, group: 'plant-a', primaryHost: HOST },
      ids: () => host.ids(),
      stop: () => broker.stop('SIGTERM'),
      start: async () => {
        await broker.start()
        await vi.waitUntil(() => host.isConnected, EVENTUALLY)
      },
      close: async () => {
        await host.close()
        await broker.close()
      },
    }
  },
})
