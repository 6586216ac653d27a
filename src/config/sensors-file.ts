// A CSV file of sensors → ConfigNodes, as if they stood in the YAML. Columns are the keys of a sensor; nested keys are
// joined by dots (`scale.factor`), a check's by its type (`checks.threshold.high`). An empty cell means: not given.

import { TelemetryError } from '#domain/errors.ts'
import type { ConfigNode, MapEntry, Path, Place, ScalarNode } from './config-node.ts'
import { parseCsv, type Cell } from './csv.ts'
import type { Problems } from './problems.ts'
import { discriminatorOf, requiredKeys, type SchemaView } from './schema-view.ts'
import { nearest } from './suggest.ts'

export interface SensorsFile {
  /** Where the file is. */
  readonly path: string
  /** How messages name it. */
  readonly label: string
  /** Of one sensor, with the driver's keys. */
  readonly schema: SchemaView
  /** See readTextFile. */
  readonly readText: (path: string) => string
}

/** A column's way into the sensor; the step after a list is the type of its entry. */
interface Column {
  readonly steps: readonly string[]
  /** Why its cells are not looked at; reported once, at the header. */
  readonly isFaulty: boolean
}

/** The sensors of the file, or undefined when it cannot be read; the reason is then a problem at `namedAt`. */
export function readSensorsFile(
  file: SensorsFile,
  namedAt: Place,
  path: Path,
  problems: Problems,
): ConfigNode[] | undefined {
  try {
    return parseSensors(file.readText(file.path), file, problems)
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error
    const { line, column } = error.context
    const isInside = typeof line === 'number' && typeof column === 'number'
    if (isInside) problems.add({ file: file.label, line, column }, [], error.message)
    else problems.add(namedAt, path, `${file.label} cannot be read: ${error.message}`)
    return undefined
  }
}

/** As readSensorsFile, from the file's text. */
export function parseSensors(
  text: string,
  file: Pick<SensorsFile, 'label' | 'schema'>,
  problems: Problems,
): ConfigNode[] {
  const [header, ...rows] = parseCsv(text, file.label, problems)
  if (!header) {
    problems.add({ file: file.label, line: 1, column: 1 }, [], 'the file is empty; its first line names the columns')
    return []
  }
  const columns = header.map((cell, index) => readColumn(cell, header.slice(0, index), file.schema, problems))
  const missing = requiredKeys(file.schema).filter((key) => !columns.some(({ steps }) => steps[0] === key))
  for (const key of missing)
    problems.add({ file: file.label, line: header[0]!.place.line, column: 1 }, [], `missing column "${key}"`)
  const blanks = missing.map((key): Column => ({ steps: [key], isFaulty: true }))
  return rows.map((row) => draftNode(draftRow(row, columns, blanks, problems), file.schema))
}

function readColumn(cell: Cell, before: readonly Cell[], schema: SchemaView, problems: Problems): Column {
  const known = columnNames(schema)
  const isRepeated = before.some((other) => other.text === cell.text)
  if (known.includes(cell.text) && !isRepeated) return { steps: cell.text.split('.'), isFaulty: false }
  const near = cell.text === '' || isRepeated ? undefined : nearest(cell.text, known)
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  const name = cell.text === '' ? 'a column without a name' : `unknown column "${cell.text}"${hint}`
  problems.add(cell.place, [], isRepeated && cell.text !== '' ? `the column "${cell.text}" stands twice` : name)
  return { steps: near?.split('.') ?? [], isFaulty: true }
}

/** Every column that a sensor of this schema can have: `id`, `scale.factor`, `checks.threshold.high`, … */
export function columnNames(schema: SchemaView, lead = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const name = `${lead}${key}`
    if (property.properties) return columnNames(property, `${name}.`)
    if (property.type !== 'array') return [name]
    const branches = property.items?.anyOf ?? []
    const discriminator = discriminatorOf(branches)
    if (!discriminator) return []
    return branches.flatMap((branch, index) =>
      columnNames(branch, `${name}.${String(discriminator.literals[index]?.[0])}.`).filter(
        (column) => !column.endsWith(`.${discriminator.key}`),
      ),
    )
  })
}

/** Mutable while a row is read. */
interface Draft {
  readonly place: Place
  readonly children: Map<string, Draft>
  node?: ConfigNode
}

function draftRow(
  row: readonly Cell[],
  columns: readonly Column[],
  blanks: readonly Column[],
  problems: Problems,
): Draft {
  const place = { ...row[0]!.place, column: 1 }
  const draft: Draft = { place, children: new Map() }
  for (const [index, cell] of row.entries()) {
    const column = columns[index]
    if (column) insert(draft, column, cell)
    else if (cell.text !== '') {
      problems.add(cell.place, [], `this row has more cells than the first line has columns (${columns.length})`)
      break
    }
  }
  for (const column of blanks) insert(draft, column, { text: '', place })
  return draft
}

function insert(draft: Draft, { steps, isFaulty }: Column, cell: Cell): void {
  if (steps.length === 0 || (cell.text === '' && !isFaulty)) return
  let at = draft
  for (const step of steps) {
    const next = at.children.get(step) ?? { place: cell.place, children: new Map<string, Draft>() }
    at.children.set(step, next)
    at = next
  }
  at.node ??= isFaulty ? { ...cellNode(cell), origin: 'unresolved' } : cellNode(cell)
}

function draftNode(draft: Draft, schema: SchemaView | undefined): ConfigNode {
  if (draft.node) return draft.node
  if (schema?.type === 'array') return listNode(draft, schema)
  return { kind: 'map', place: draft.place, entries: entriesOf(draft, schema) }
}

function listNode(draft: Draft, schema: SchemaView): ConfigNode {
  const branches = schema.items?.anyOf ?? []
  const discriminator = discriminatorOf(branches)
  const elements = [...draft.children].map(([word, child]): ConfigNode => {
    const chosen = branches[discriminator?.literals.findIndex((words) => words.includes(word)) ?? -1]
    const entries = new Map(entriesOf(child, chosen))
    if (discriminator)
      entries.set(discriminator.key, { place: child.place, node: cellNode({ text: word, place: child.place }) })
    return { kind: 'map', place: child.place, entries }
  })
  return { kind: 'list', place: draft.place, elements }
}

function entriesOf(draft: Draft, schema: SchemaView | undefined): ReadonlyMap<string, MapEntry> {
  return new Map(
    [...draft.children].map(([key, child]) => [
      key,
      { place: child.place, node: draftNode(child, schema?.properties?.[key]) },
    ]),
  )
}

function cellNode({ text, place }: Cell): ScalarNode {
  return { kind: 'scalar', place, value: text, origin: 'untyped', written: text, references: [] }
}
