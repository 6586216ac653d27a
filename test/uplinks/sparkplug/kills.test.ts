import { fromBinary } from '@bufbuild/protobuf'
import { connectAsync, type MqttClient } from 'mqtt'
import { PayloadSchema } from '#kit/sparkplug/generated/sparkplug_b_pb.js'
import { sparkplugUplink } from '#uplinks/sparkplug/kind.ts'
import { describeUplinkKills, type KillableReceiver, type KilledArrival } from '../../contract/uplink-kills.ts'
import { hasMosquitto, Mosquitto } from '../mqtt/mosquitto.ts'
import { positionsIn } from './host.ts'

/** mosquitto, and a host application that writes down everything. The broker writes to it before it answers the uplink's proof. */
async function openReceiver(order: 'inOrder' | 'liveFirst'): Promise<KillableReceiver> {
  const broker = await Mosquitto.start({ persistence: false, listener: ['set_tcp_nodelay true'] })
  const arrivals: KilledArrival[] = []
  let host: MqttClient
  const subscribe = async (): Promise<void> => {
    host = await connectAsync(broker.url, { reconnectPeriod: 0 })
    host.on('error', () => {})
    host.on('message', (topic, payload) => {
      if (!/\/[ND]DATA\//.test(topic)) return
      const { metrics, uuid } = fromBinary(PayloadSchema, payload)
      positionsIn(uuid).forEach((id, index) => {
        const [, epoch, seq] = id.split('/').map(Number)
        const { isHistorical, value } = metrics[index]!
        const lane = order === 'inOrder' ? order : isHistorical ? 'backlog' : 'live'
        const isEvent = topic.includes('/NDATA/')
        arrivals.push({
          epoch: epoch!,
          seq: seq!,
          lane,
          isEvent,
          value: value.case === 'doubleValue' ? value.value : null,
        })
      })
    })
    await host.subscribeAsync('spBv1.0/#', { qos: 0 })
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
      await host.endAsync(true)
      await broker.close()
    },
  }
}

describeUplinkKills({
  type: sparkplugUplink.type,
  needs: 'mosquitto',
  isPresent: hasMosquitto,
  module: new URL('../../../src/uplinks/sparkplug/kind.ts', import.meta.url).href,
  name: 'sparkplugUplink',
  open: openReceiver,
  config: (port) => ({ url: `mqtt://127.0.0.1:${port}`, group: 'plant-a' }),
})
