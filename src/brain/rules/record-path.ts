// Paths into records (`value`, `alarm.severity`, `windows.mean`): own properties only, so that no condition reaches a prototype.

/** Reads one value; null when it is not there. */
export type Getter = (record: unknown) => unknown

const MAX_STEPS = 16

/** null for a path that is too deep. The empty path is the record itself. */
export function stepsOf(path: string): readonly string[] | null {
  if (path === '') return []
  const steps = path.split('.')
  return steps.length > MAX_STEPS ? null : steps
}

export function getterOf(steps: readonly string[]): Getter {
  const [first, second] = steps
  if (first === undefined) return (record) => record ?? null
  if (second === undefined) return (record) => own(record, first)
  if (steps.length === 2) return (record) => own(own(record, first), second)
  return (record) => {
    let value = record
    for (const step of steps) value = own(value, step)
    return value
  }
}

/** A plain value as text; '' for objects and for nothing. */
export function wordOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return null
  const found = (value as Record<string, unknown>)[key]
  return found === undefined || typeof found === 'function' ? null : found
}
