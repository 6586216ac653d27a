import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { describeUplinkFaults, REJECTED_SEQ, type FaultyReceiver } from '../../contract/uplink-faults.ts'
import { hasOpenssl, makeCertificates } from './certificates.ts'
import { hasMosquitto, Mosquitto } from './mosquitto.ts'
import { CONNACK_OK, CONNECT, PUBLISH, packetId, puback, RawBroker, type Packet } from './raw-broker.ts'
import { Subscriber } from './subscriber.ts'

const CONNACK_5 = Buffer.from([0x20, 3, 0, 0, 0])
/** MQTT 5, Receive Maximum 2, Maximum Packet Size 2000. */
const CONNACK_5_SMALL = Buffer.from([0x20, 11, 0, 0, 8, 0x21, 0, 2, 0x27, 0, 0, 7, 0xd0])
/** Not authorised (MQTT 5 §3.4.2.1). */
const NOT_AUTHORISED = 135

interface Socket {
  write(bytes: Buffer): unknown
  destroy(): unknown
}

/** A broker by hand: `misbehave` answers a PUBLISH until it heals; true: it did. */
async function rawReceiver(
  misbehave: (id: number, seq: number, socket: Socket) => boolean,
  { connack = CONNACK_OK, config = {} }: { connack?: Buffer; config?: object } = {},
): Promise<FaultyReceiver> {
  const ids: string[] = []
  let isBad = true
  const broker = await RawBroker.start((packet: Packet, socket: Socket) => {
    if (packet.type === CONNECT) socket.write(connack)
    if (packet.type !== PUBLISH) return
    const id = packetId(packet)
    const text = /edge-01\/(\d+)\/(\d+)/.exec(packet.body.toString('latin1'))
    if (id === null || text === null) return
    if (isBad && misbehave(id, Number(text[2]), socket)) return
    ids.push(text[0])
    socket.write(puback(id))
  })
  return {
    config: { url: broker.url, ...config },
    heal: () => void (isBad = false),
    ids: () => ids,
    close: () => broker.close(),
  }
}

/** Trusts the authority in `trusted.pem`, which is a stranger until it heals. */
async function strangerReceiver(): Promise<FaultyReceiver> {
  const certificates = makeCertificates()
  const files = Object.fromEntries(
    ['ca.pem', 'broker.pem', 'broker.key'].map((name) => [name, certificates.text(name)]),
  )
  const tls = ['cafile FOLDER/ca.pem', 'certfile FOLDER/broker.pem', 'keyfile FOLDER/broker.key']
  const broker = await Mosquitto.start({ files, listener: tls })
  const url = `mqtts://127.0.0.1:${broker.port}`
  const subscriber = await Subscriber.open(url, { ca: certificates.text('ca.pem') })
  const trusted = join(certificates.folder, 'trusted.pem')
  await writeFile(trusted, certificates.text('stranger.pem'))
  return {
    config: { url, tls: { ca: 'trusted.pem' } },
    configDir: certificates.folder,
    heal: () => writeFile(trusted, certificates.text('ca.pem')),
    ids: () => subscriber.ids(),
    async close() {
      await subscriber.close()
      await broker.close()
      await rm(certificates.folder, { recursive: true })
    },
  }
}

describeUplinkFaults({
  kind: mqttUplink,
  needs: 'mosquitto and openssl',
  isPresent: hasMosquitto && hasOpenssl,
  faults: {
    nonsense: {
      reason: /127\.0\.0\.1:\d+: Invalid/,
      // Acknowledges what was never sent, then bytes that are no packet.
      open: () =>
        rawReceiver((id, seq, socket) => {
          socket.write(puback(id ^ 0x4000))
          if (seq % 5 === 0) socket.write(Buffer.from([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
          return true
        }),
    },
    slow: {
      reason: null,
      // One after another, each a turn of the timer later.
      open: () => {
        let turn = Promise.resolve()
        return rawReceiver((id, _seq, socket) => {
          turn = turn
            .then(() => new Promise((resolve) => setTimeout(resolve, 1)))
            .then(() => void socket.write(puback(id)))
          return false
        })
      },
    },
    rejectsOne: {
      reason: null,
      open: () =>
        rawReceiver(
          (id, seq, socket) => {
            if (seq === REJECTED_SEQ) socket.write(puback(id, NOT_AUTHORISED))
            return seq === REJECTED_SEQ
          },
          { connack: CONNACK_5, config: { protocol: 5 } },
        ),
    },
    closesMidStream: {
      reason: /closed|reset/,
      open: () =>
        rawReceiver((_id, seq, socket) => {
          if (seq % 50 === 0) socket.destroy()
          return seq % 50 === 0
        }),
    },
    wrongCertificate: { reason: /certificate of .* is not trusted: its authority/, open: strangerReceiver },
    asksTooMuch: {
      reason: null,
      // Two messages at once, none longer than 2000 bytes.
      open: () => {
        let open = 0
        return rawReceiver(
          (id, _seq, socket) => {
            open += 1
            if (open > 2) socket.destroy()
            setImmediate(() => {
              open -= 1
              socket.write(puback(id))
            })
            return false
          },
          { connack: CONNACK_5_SMALL, config: { protocol: 5 } },
        )
      },
    },
  },
})
