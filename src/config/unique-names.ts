// Finds ids that stand twice among devices, sensors of a device, or uplinks.

import { nodeAt, type ConfigNode, type Path, type Place } from './config-node.ts'
import type { Problems } from './problems.ts'

export class UniqueNames {
  readonly #noun: string
  readonly #problems: Problems
  readonly #first = new Map<string, Place>()

  /** `noun`: what the ids name, for messages. */
  constructor(noun: string, problems: Problems) {
    this.#noun = noun
    this.#problems = problems
  }

  /** Reports the id of `node` when another node had it before, naming the first place. */
  add(node: ConfigNode, path: Path): void {
    const id = nodeAt(node, ['id'])
    if (id?.kind !== 'scalar' || typeof id.value !== 'string') return
    const first = this.#first.get(id.value)
    if (!first) {
      this.#first.set(id.value, id.place)
      return
    }
    const where = first.file === id.place.file ? `line ${first.line}` : `${first.file}:${first.line}`
    this.#problems.add(
      id.place,
      [...path, 'id'],
      `another ${this.#noun} is named "${id.written}" too; it is first at ${where}`,
    )
  }
}
