// The monitored items of a subscription: made in calls as large as the server takes; a refused one is a bad sensor with
// the server's status. A server that cannot filter by deadband reports every change instead.

import type { MonitoredItemCreateRequestOptions } from 'node-opcua-client'
import { isBad, Status } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { DriverContext } from '#domain/driver.ts'
import type { Connection } from './connection.ts'
import type { OpcuaPoint } from './point.ts'
import { readId } from './read-id.ts'

const BAD_FILTER = new Set([0x80430000, 0x80440000, 0x80450000, 0x808e0000]) // BadMonitoredItemFilter…, BadFilterNotAllowed, BadDeadbandFilterInvalid

export interface ItemsOptions {
  readonly connection: Connection
  readonly points: readonly OpcuaPoint[]
  readonly subscriptionId: number
  readonly sink: ReadingSink
  readonly context: DriverContext
}

/** An item's client handle is its position in `points`. */
export async function createMonitoredItems(options: ItemsOptions, signal: AbortSignal): Promise<void> {
  const { points, connection, sink, context } = options
  const known: number[] = []
  for (const [handle, point] of points.entries()) {
    if (connection.nodeId(point.address) !== null) known.push(handle)
    else sink.bad(point.sensor, Status.BadNodeIdUnknown, NO_TIME)
  }
  const unfiltered: number[] = []
  let refused = 0
  const refuse = (handle: number, status: number): void => {
    refused += 1
    sink.bad(points[handle]!.sensor, isBad(status) ? status : Status.BadUnexpectedError, NO_TIME)
  }
  await create(options, known, true, signal, (handle, status) => {
    if (points[handle]!.serverDeadband !== null && BAD_FILTER.has(status)) unfiltered.push(handle)
    else refuse(handle, status)
  })
  await create(options, unfiltered, false, signal, refuse)
  const unknown = points.length - known.length
  if (refused + unknown > 0) {
    context.log.warn({ refused, unknownNamespace: unknown, of: points.length }, 'The server refuses some sensors')
  }
}

async function create(
  { connection, points, subscriptionId }: ItemsOptions,
  handles: readonly number[],
  isFiltered: boolean,
  signal: AbortSignal,
  onRefused: (handle: number, status: number) => void,
): Promise<void> {
  const { TimestampsToReturn } = connection.library
  const size = connection.limits.monitoredItemsPerCall
  for (let from = 0; from < handles.length; from += size) {
    const chunk = handles.slice(from, from + size)
    const itemsToCreate = chunk.map((handle) => itemOf(connection, points[handle]!, handle, isFiltered))
    const request = { subscriptionId, timestampsToReturn: TimestampsToReturn.Both, itemsToCreate }
    const { results } = await connection.request(
      'Creating monitored items',
      (session) => session.createMonitoredItems(request),
      signal,
    )
    for (const [position, handle] of chunk.entries()) {
      const status = (results?.[position]?.statusCode.value ?? Status.BadUnexpectedError) >>> 0
      if (isBad(status)) onRefused(handle, status)
    }
  }
}

function itemOf(
  connection: Connection,
  point: OpcuaPoint,
  handle: number,
  isFiltered: boolean,
): MonitoredItemCreateRequestOptions {
  const { DataChangeFilter, DataChangeTrigger, DeadbandType, MonitoringMode } = connection.library
  const deadbandValue = isFiltered ? point.serverDeadband : null
  const filter =
    deadbandValue === null
      ? null
      : new DataChangeFilter({
          trigger: DataChangeTrigger.StatusValue,
          deadbandType: DeadbandType.Absolute,
          deadbandValue,
        })
  return {
    itemToMonitor: readId(connection, point),
    monitoringMode: MonitoringMode.Reporting,
    requestedParameters: {
      clientHandle: handle,
      samplingInterval: point.samplingIntervalMs,
      queueSize: point.queueSize,
      discardOldest: true,
      filter,
    },
  }
}
