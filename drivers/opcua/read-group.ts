// Polling: one Read for a group, split only where the server takes fewer nodes at once.

import type { DataValue } from 'node-opcua-client'
import { TelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { Connection } from './connection.ts'
import type { OpcuaPoint } from './point.ts'
import { readId } from './read-id.ts'
import { giveValue } from './values.ts'

/** Gives each point exactly one result; returns the requests. Throws what requests throw, and PROTOCOL. */
export async function readGroup(
  connection: Connection,
  points: readonly OpcuaPoint[],
  sink: ReadingSink,
  signal: AbortSignal,
): Promise<number> {
  const known: OpcuaPoint[] = []
  for (const point of points) {
    if (connection.nodeId(point.address) !== null) known.push(point)
    else sink.bad(point.sensor, Status.BadNodeIdUnknown, NO_TIME)
  }
  const size = connection.limits.nodesPerRead
  let requests = 0
  for (let from = 0; from < known.length; from += size) {
    const chunk = known.slice(from, from + size)
    requests += 1
    const values = await readValues(connection, chunk, signal)
    for (const [position, point] of chunk.entries()) giveValue(point, values[position]!, sink)
  }
  return requests
}

/** One value for each point. */
export async function readValues(
  connection: Connection,
  points: readonly OpcuaPoint[],
  signal: AbortSignal,
): Promise<readonly DataValue[]> {
  const nodes = points.map((point) => readId(connection, point))
  const values = await connection.request('Reading', (session) => session.read(nodes), signal)
  if (values.length !== points.length) {
    throw new TelemetryError('PROTOCOL', `${points.length} values were asked for, ${values.length} came`, {
      retryable: true,
    })
  }
  return values
}
