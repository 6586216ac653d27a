// Commands over one connected client: subscribes to the requests, hands them to the desk, publishes the answers.

import type { IPublishPacket, MqttClient } from 'mqtt'
import type { CommandAnswer, CommandDesk } from '#domain/command.ts'
import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'
import { idOf, readRequest, writeAnswer } from './command-request.ts'
import { topicLevel } from './topic.ts'

export interface MqttCommandsOptions {
  readonly client: MqttClient
  readonly gateway: string
  readonly uplink: string
  readonly desk: CommandDesk
  readonly log: Log
}

/** SUBACK codes from here on are refusals (MQTT 3.1.1 §3.9.3, MQTT 5 §3.9.3). */
const FIRST_REFUSAL = 128

/** Resolves when the broker has granted the subscription, or refused it: then readings are forwarded all the same. */
export async function listenForCommands(options: MqttCommandsOptions): Promise<void> {
  const { client, gateway, desk, log, uplink } = options
  if (desk.allowed.size === 0) return
  const base = `telemetryx/${topicLevel(gateway)}/`
  client.on('message', (topic, payload, packet) => {
    // What the broker kept for us is no command of now (MQTT 3.1.1 §3.3.1.3).
    if (packet.retain || !topic.startsWith(`${base}request/`)) return
    void answer(options, { base, path: topic.slice(base.length).split('/').slice(1), payload, packet })
  })
  const granted = await client.subscribeAsync(`${base}request/#`, { qos: 1 }).catch(() => [])
  const isGranted = granted.some(({ qos }) => qos < FIRST_REFUSAL)
  if (!isGranted)
    log.warn({ uplink, topic: `${base}request/#` }, 'The broker refuses the topic of commands: none will arrive')
}

interface Arrived {
  readonly base: string
  /** Levels of the topic after `request/`. */
  readonly path: readonly string[]
  readonly payload: Uint8Array
  readonly packet: IPublishPacket
}

async function answer({ client, desk }: MqttCommandsOptions, { base, path, payload, packet }: Arrived): Promise<void> {
  let given: { readonly id: string | null; readonly answer: CommandAnswer }
  try {
    const command = readRequest(path, payload)
    given = { id: command.id, answer: await desk.run(command) }
  } catch (cause) {
    const { code, message } = toTelemetryError(cause)
    given = { id: idOf(path, payload), answer: { ok: false, code, message } }
  }
  if (!client.connected) return // whoever asks again gets the same answer
  const correlationData = packet.properties?.correlationData
  const properties = correlationData ? { properties: { correlationData } } : {}
  // qos 0: an acknowledgement of it would count against the broker's Receive Maximum, which the records use in full. Whoever
  // misses an answer asks again with the same id, and nothing is done twice.
  client.publish(`${base}response/${path.join('/')}`, writeAnswer(given.id, given.answer), { qos: 0, ...properties })
}
