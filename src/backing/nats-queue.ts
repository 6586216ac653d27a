// What is left in a queue stream, as its consumers see it: the stream itself also counts messages that were consumed, and that a
// server which was killed before it had written their removal has brought back.

import type { JetStreamManager } from '@nats-io/jetstream'

/** Messages that are still to be consumed, or under way. All of the stream while it has no consumers. */
export async function unconsumed(manager: JetStreamManager, stream: string): Promise<number> {
  let consumers = 0
  let count = 0
  for await (const info of manager.consumers.list(stream)) {
    consumers += 1
    count += info.num_pending + info.num_ack_pending
  }
  return consumers > 0 ? count : (await manager.streams.info(stream)).state.messages
}

/** Removes what lies at or below the acknowledged floor of the consumer whose it is: each message has one. Answers how many. */
export async function removeConsumed(manager: JetStreamManager, stream: string): Promise<number> {
  let removed = 0
  for await (const { ack_floor: floor, config } of manager.consumers.list(stream)) {
    if (floor.stream_seq === 0 || config.filter_subject === undefined) continue
    const { purged } = await manager.streams.purge(stream, { filter: config.filter_subject, seq: floor.stream_seq + 1 })
    removed += purged
  }
  return removed
}
