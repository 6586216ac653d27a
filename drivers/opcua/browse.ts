// Walks through a server's address space and gives its variables, for `telemetryx scan opcua`. Bounded in depth and number;
// what cannot be a sensor is counted, never silently left out.

import type { BrowseDescriptionOptions, DataValue, NodeId, ReferenceDescription } from 'node-opcua-client'
import { TelemetryError } from '#domain/errors.ts'
import type { ValueType } from '#domain/value.ts'
import { VALUE_ATTRIBUTE, type Connection } from './connection.ts'
import { formatNodeAddress, type NodeIdentifier } from './node-address.ts'
import { Type } from './values.ts'

const SERVER_OBJECT = 2253 // describes the server itself
const HAS_PROPERTY = 46
const HIERARCHICAL_REFERENCES = 'ns=0;i=33'
const PROPERTIES = `ns=0;i=${HAS_PROPERTY}`
const USER_ACCESS_LEVEL = 18
const CURRENT_READ = 1
const CURRENT_WRITE = 2
const NODES_PER_BROWSE = 50

export interface FoundVariable {
  /** Browse names from below the start down to the variable. */
  readonly path: readonly string[]
  readonly node: string
  readonly type: ValueType
  /** Symbol of the engineering unit; empty when it has none. */
  readonly unit: string
  readonly isWritable: boolean
}

export interface BrowseResult {
  readonly variables: readonly FoundVariable[]
  /** Variables that are no sensor: arrays, structures, what may not be read. */
  readonly skipped: number
  /** The limit or the depth ended the walk: there may be more. */
  readonly isCut: boolean
}

export interface BrowseOptions {
  readonly start: NodeId
  readonly depth: number
  readonly limit: number
  readonly signal: AbortSignal
  readonly onProgress: (found: number) => void
}

interface Candidate {
  readonly path: readonly string[]
  readonly nodeId: NodeId
}

/** Throws what requests throw. */
export async function browseVariables(connection: Connection, options: BrowseOptions): Promise<BrowseResult> {
  const { limit, depth, start, signal, onProgress } = options
  const found: Candidate[] = []
  const seen = new Set<string>([start.toString()])
  let level: readonly Candidate[] = [{ nodeId: start, path: [] }]
  let isCut = false
  for (let at = 0; at < depth && level.length > 0 && !isCut; at++) {
    const next: Candidate[] = []
    for (let from = 0; from < level.length && !isCut; from += NODES_PER_BROWSE) {
      const branches = level.slice(from, from + NODES_PER_BROWSE)
      const children = await browse(connection, branches, HIERARCHICAL_REFERENCES, signal)
      for (const [position, branch] of branches.entries()) {
        for (const reference of children[position] ?? []) {
          const child = childOf(reference, branch, seen)
          if (child === null) continue
          next.push(child)
          if (reference.nodeClass === connection.library.NodeClass.Variable) found.push(child)
        }
      }
      onProgress(found.length)
      isCut = found.length > limit
    }
    level = next
    isCut ||= at + 1 === depth && next.length > 0
  }
  return { ...(await describe(connection, found.slice(0, limit), signal)), isCut }
}

/** null for properties, for what was seen already, and for the server's description of itself. */
function childOf(reference: ReferenceDescription, parent: Candidate, seen: Set<string>): Candidate | null {
  const { nodeId, browseName, referenceTypeId } = reference
  if (referenceTypeId.namespace === 0 && referenceTypeId.value === HAS_PROPERTY) return null
  const key = nodeId.toString()
  if (seen.has(key) || (nodeId.namespace === 0 && nodeId.value === SERVER_OBJECT)) return null
  seen.add(key)
  return { nodeId, path: [...parent.path, browseName.name ?? ''] }
}

async function browse(
  connection: Connection,
  nodes: readonly Candidate[],
  referenceTypeId: string,
  signal: AbortSignal,
): Promise<readonly (readonly ReferenceDescription[])[]> {
  const { library } = connection
  const descriptions = nodes.map(({ nodeId }): BrowseDescriptionOptions => ({
    nodeId,
    browseDirection: library.BrowseDirection.Forward,
    referenceTypeId,
    includeSubtypes: true,
    nodeClassMask: library.NodeClassMask.Object | library.NodeClassMask.Variable,
    resultMask: 0x3f,
  }))
  const results = await connection.request('Browsing', (session) => library.browseAll(session, descriptions), signal)
  return results.map((result) => result.references ?? [])
}

/** The unit of each variable that has one, by its position. */
async function unitsOf(
  connection: Connection,
  variables: readonly Candidate[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const nodes: { position: number; nodeId: NodeId }[] = []
  for (let from = 0; from < variables.length; from += NODES_PER_BROWSE) {
    const properties = await browse(connection, variables.slice(from, from + NODES_PER_BROWSE), PROPERTIES, signal)
    for (const [offset, references] of properties.entries()) {
      const unit = references.find(({ browseName }) => browseName.name === 'EngineeringUnits')
      if (unit !== undefined) nodes.push({ position: from + offset, nodeId: unit.nodeId })
    }
  }
  const values = await read(
    connection,
    nodes.map(({ nodeId }) => [nodeId, VALUE_ATTRIBUTE]),
    signal,
  )
  return new Map(nodes.map(({ position }, index) => [position, unitOf(values[index])]))
}

async function describe(
  connection: Connection,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<Omit<BrowseResult, 'isCut'>> {
  const attribute = (id: number): Promise<readonly DataValue[]> =>
    read(
      connection,
      candidates.map(({ nodeId }) => [nodeId, id]),
      signal,
    )
  const values = await attribute(VALUE_ATTRIBUTE)
  const levels = await attribute(USER_ACCESS_LEVEL)
  const units = await unitsOf(connection, candidates, signal)
  const variables: FoundVariable[] = []
  for (const [position, { nodeId, path }] of candidates.entries()) {
    const type = valueTypeOf(values[position])
    const access = Number(levels[position]?.value.value ?? CURRENT_READ)
    if (type === null || (access & CURRENT_READ) === 0) continue
    variables.push({
      path,
      node: formatNodeAddress(...addressOf(nodeId, connection.namespaces)),
      type,
      unit: units.get(position) ?? '',
      isWritable: (access & CURRENT_WRITE) !== 0,
    })
  }
  return { variables, skipped: candidates.length - variables.length }
}

async function read(
  connection: Connection,
  nodes: readonly (readonly [NodeId, number])[],
  signal: AbortSignal,
): Promise<readonly DataValue[]> {
  const size = connection.limits.nodesPerRead
  const values: DataValue[] = []
  for (let from = 0; from < nodes.length; from += size) {
    const chunk = nodes.slice(from, from + size).map(([nodeId, attributeId]) => ({ nodeId, attributeId }))
    values.push(...(await connection.request('Reading', (session) => session.read(chunk), signal)))
  }
  return values
}

/** By the value that is there now; null for what is no sensor. */
function valueTypeOf(data: DataValue | undefined): ValueType | null {
  if (data === undefined || (data.value.arrayType as number) !== 0) return null
  const type = data.value.dataType as number
  switch (type) {
    case Type.Boolean:
      return 'boolean'
    case Type.Int64:
      return 'int64'
    case Type.UInt64:
      return 'uint64'
    case Type.String:
    case Type.LocalizedText:
    case Type.Guid:
    case Type.QualifiedName:
    case Type.XmlElement:
      return 'string'
    default:
      return (type >= Type.SByte && type <= Type.Double) || type === Type.DateTime ? 'number' : null
  }
}

/** EUInformation, OPC UA Part 8 §5.6.3.3: the symbol is its display name. */
function unitOf(data: DataValue | undefined): string {
  const information: unknown = data?.value.value
  if (typeof information !== 'object' || information === null || !('displayName' in information)) return ''
  const text: unknown = (information.displayName as { text?: unknown } | null)?.text
  return typeof text === 'string' ? text : ''
}

/** Namespace 0 is the same everywhere and needs no name. */
function addressOf(nodeId: NodeId, namespaces: readonly string[]): [string | null, NodeIdentifier] {
  const uri = nodeId.namespace === 0 ? null : namespaces[nodeId.namespace]
  if (uri === undefined)
    throw new TelemetryError('PROTOCOL', `Namespace ${nodeId.namespace} is not in the server's list`)
  const kind = (['numeric', 'string', 'guid', 'opaque'] as const)[(nodeId.identifierType as number) - 1] ?? 'string'
  if (kind === 'numeric') return [uri, { kind, value: nodeId.value as number }]
  const value = Buffer.isBuffer(nodeId.value) ? nodeId.value.toString('base64') : String(nodeId.value)
  return [uri, { kind, value }]
}
