// Reads unknown JSON field by field. A field of another kind than expected throws ShapeError: better no page than a wrong value.

/** The gateway answered something that this dashboard does not understand. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}

export type ConfigTree = string | number | boolean | readonly ConfigTree[] | { readonly [key: string]: ConfigTree }

/** One JSON object, read with the expected kind of each field. `what` names it in errors. */
export class Fields {
  readonly #source: Readonly<Record<string, unknown>>
  readonly #what: string

  constructor(source: unknown, what: string) {
    if (typeof source !== 'object' || source === null || Array.isArray(source))
      throw new ShapeError(`${what} is no object`)
    this.#source = source as Readonly<Record<string, unknown>>
    this.#what = what
  }

  text(key: string): string {
    const value = this.#source[key]
    return typeof value === 'string' ? value : this.#fail(key, 'text')
  }

  textOrNull(key: string): string | null {
    return this.#isAbsent(key) ? null : this.text(key)
  }

  number(key: string): number {
    const value = this.#source[key]
    return typeof value === 'number' ? value : this.#fail(key, 'a number')
  }

  numberOrNull(key: string): number | null {
    return this.#isAbsent(key) ? null : this.number(key)
  }

  flag(key: string): boolean {
    const value = this.#source[key]
    return typeof value === 'boolean' ? value : this.#fail(key, 'true or false')
  }

  /** ISO 8601 to Unix milliseconds. */
  time(key: string): number {
    const value = Date.parse(this.text(key))
    return Number.isNaN(value) ? this.#fail(key, 'a time') : value
  }

  timeOrNull(key: string): number | null {
    return this.#isAbsent(key) ? null : this.time(key)
  }

  /** number, boolean, text or null. */
  value(key: string): number | boolean | string | null {
    const value = this.#source[key]
    if (value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string')
      return value
    return this.#fail(key, 'a value')
  }

  oneOf<T extends string>(key: string, options: readonly T[]): T {
    const value = this.text(key)
    return options.find((option) => option === value) ?? this.#fail(key, options.join(' | '))
  }

  object(key: string): Fields {
    return new Fields(this.#source[key], `${this.#what}.${key}`)
  }

  objectOrNull(key: string): Fields | null {
    return this.#isAbsent(key) ? null : this.object(key)
  }

  has(key: string): boolean {
    return !this.#isAbsent(key)
  }

  child<T>(key: string, decode: (source: unknown) => T): T {
    return decode(this.#source[key])
  }

  childOrNull<T>(key: string, decode: (source: unknown) => T): T | null {
    return this.#isAbsent(key) ? null : decode(this.#source[key])
  }

  list<T>(key: string, decode: (source: unknown) => T): T[] {
    const value = this.#source[key]
    return Array.isArray(value) ? value.map(decode) : this.#fail(key, 'a list')
  }

  /** `{ name: count }` */
  counts(key: string): Record<string, number> {
    const counts: Record<string, number> = {}
    const fields = this.object(key)
    for (const name of Object.keys(fields.#source)) counts[name] = fields.number(name)
    return counts
  }

  /** Keys with a number, a text or a flag each. */
  scalars(key: string): Readonly<Record<string, string | number | boolean>> {
    const found: Record<string, string | number | boolean> = {}
    const fields = this.object(key)
    for (const name of Object.keys(fields.#source)) found[name] = fields.value(name) ?? fields.#fail(name, 'a value')
    return found
  }

  /** Values within values, as they stand in a configuration. */
  tree(key: string): Readonly<Record<string, ConfigTree>> {
    const found: Record<string, ConfigTree> = {}
    const fields = this.object(key)
    for (const [name, value] of Object.entries(fields.#source))
      found[name] = treeOf(value, () => fields.#fail(name, 'a value'))
    return found
  }

  #isAbsent(key: string): boolean {
    return this.#source[key] === null || this.#source[key] === undefined
  }

  #fail(key: string, expected: string): never {
    throw new ShapeError(`${this.#what}.${key} is not ${expected}`)
  }
}

function treeOf(value: unknown, fail: () => never): ConfigTree {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map((item) => treeOf(item, fail))
  if (typeof value !== 'object' || value === null) return fail()
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, treeOf(child, fail)]))
}
