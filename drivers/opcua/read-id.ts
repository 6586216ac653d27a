// What a server is asked for: the value of a node, or one element of it.

import type { ReadValueIdOptions } from 'node-opcua-client'
import { VALUE_ATTRIBUTE, type Connection } from './connection.ts'
import type { OpcuaPoint } from './point.ts'

/** The library takes the text of OPC UA Part 4 §7.27 as well, but its type names only its own class. */
type IndexRange = NonNullable<ReadValueIdOptions['indexRange']>

/** `3`, or undefined for the whole value. */
export function indexRange(point: OpcuaPoint): IndexRange | undefined {
  return point.index === null ? undefined : (String(point.index) as unknown as IndexRange)
}

/** The node must exist on this server (`connection.nodeId` is not null). */
export function readId(connection: Connection, point: OpcuaPoint): ReadValueIdOptions {
  return { nodeId: connection.nodeId(point.address)!, attributeId: VALUE_ATTRIBUTE, indexRange: indexRange(point) }
}
