// What is left in a queue stream, as its consumers see it: the stream itself also counts messages that were consumed, and that a
// server which was killed before it had written their removal has brought back.

import type { JetStreamManager } from '@nats-io/jetstream'

/** Looked at in one go: the rest is left for the next time. */
const MAX_LOOKED_AT = 5000

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

/**
 * Removes what lies at or below the acknowledged floor of the consumer whose it is: each message has one. One by one, because a purge
 * also moves consumers on, and here none may be moved. Nothing is done while everything in the stream is still to be consumed.
 * Answers how many.
 */
export async function removeConsumed(manager: JetStreamManager, stream: string): Promise<number> {
  const waiting = await unconsumed(manager, stream)
  const { state } = await manager.streams.info(stream, { deleted_details: true })
  if (state.messages <= waiting) return 0
  const floors: { readonly filter: string; readonly seq: number }[] = []
  for await (const { ack_floor: floor, config } of manager.consumers.list(stream))
    if (config.filter_subject !== undefined) floors.push({ filter: config.filter_subject, seq: floor.stream_seq })
  const gone = new Set(state.deleted)
  const highest = Math.min(state.last_seq, Math.max(0, ...floors.map(({ seq }) => seq)))
  let removed = 0
  let looked = 0
  for (let seq = state.first_seq; seq <= highest && looked < MAX_LOOKED_AT; seq++) {
    if (gone.has(seq)) continue
    looked += 1
    const message = await manager.streams.getMessage(stream, { seq })
    if (message === null || !floors.some((floor) => seq <= floor.seq && matches(message.subject, floor.filter)))
      continue
    await manager.streams.deleteMessage(stream, seq, false)
    removed += 1
  }
  return removed
}

/** Subjects of one length; `*` stands for one part. */
function matches(subject: string, filter: string): boolean {
  const parts = subject.split('.')
  const wanted = filter.split('.')
  return parts.length === wanted.length && wanted.every((part, index) => part === '*' || part === parts[index])
}
