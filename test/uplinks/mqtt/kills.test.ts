import { connectAsync, type MqttClient } from 'mqtt'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { describeUplinkKills, type KillableReceiver, type KilledArrival } from '../../contract/uplink-kills.ts'
import { hasMosquitto, Mosquitto } from './mosquitto.ts'

/** mosquitto, and a subscriber that writes down everything. The broker writes to a subscriber of qos 0 before it acknowledges. */
async function openReceiver(order: 'inOrder' | 'liveFirst'): Promise<KillableReceiver> {
  const broker = await Mosquitto.start({ persistence: false, listener: ['set_tcp_nodelay true'] })
  const arrivals: KilledArrival[] = []
  let subscriber: MqttClient
  const subscribe = async (): Promise<void> => {
    subscriber = await connectAsync(broker.url, { reconnectPeriod: 0 })
    subscriber.on('error', () => {})
    subscriber.on('message', (topic, payload) => {
      if (topic.endsWith('/state')) return
      const { id, v, h } = JSON.parse(payload.toString()) as { id: string; v?: number; h?: boolean }
      const [, epoch, seq] = id.split('/').map(Number)
      const lane = order === 'inOrder' ? order : h === true ? 'backlog' : 'live'
      arrivals.push({ epoch: epoch!, seq: seq!, lane, isEvent: topic.endsWith('/event'), value: v ?? null })
    })
    await subscriber.subscribeAsync('#', { qos: 0 })
  }
  await subscribe()
  return {
    port: broker.port,
    arrivals: () => arrivals,
    async kill() {
      await broker.stop('SIGKILL')
    },
    async start() {
      await broker.start()
      await subscribe()
    },
    async close() {
      await subscriber.endAsync(true)
      await broker.close()
    },
  }
}

describeUplinkKills({
  type: mqttUplink.type,
  needs: 'mosquitto',
  isPresent: hasMosquitto,
  module: new URL('../../../src/uplinks/mqtt/kind.ts', import.meta.url).href,
  name: 'mqttUplink',
  open: openReceiver,
  config: (port) => ({ url: `mqtt://127.0.0.1:${port}` }),
})
