// The far end of the ring in a real thread: takes `total` records and says whether each was the expected one.

import { parentPort, workerData } from 'node:worker_threads'
import { RingConsumer } from '#kit/record-ring.ts'
import type { RingMemory } from '#kit/ring-memory.ts'

const { memory, total } = workerData as { memory: RingMemory; total: number }
const consumer = new RingConsumer(memory, 1)
let ok = true
let seen = 0
while (seen < total) {
  const batch = consumer.take(1000)
  for (let row = 0; row < (batch?.length ?? 0); row++) {
    seen += 1
    ok &&= batch!.value[row] === seen && batch!.sensor[row] === seen % 100 && batch!.firstSeq + row === seen
  }
}
parentPort!.postMessage({ ok })
