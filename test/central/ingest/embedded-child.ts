// Takes batches into an embedded database until it is killed, and tells its parent what is acknowledged.

import { makeTenant, numbers, openStorage } from '../storage/central-fixture.ts'

const fixture = await openStorage({ url: null, folder: process.argv[2]! })
const tenant = await makeTenant(fixture, 'mine')
for (let seq = 1; ; seq += 10) {
  const values = Array.from({ length: 10 }, (_, index) => seq + index)
  await fixture.storage.ingest.take(tenant, numbers({ firstSeq: seq, values, at: Date.now() - 60_000 }))
  process.send!(seq + 9)
}
