// Finds machines with two names: ids are derived from names, so `Press 1` and `press 1` would be one machine.

import { idFromName } from '#domain/ids.ts'
import { nodeAt, placeAt, textAt, type ConfigNode, type Path, type Place } from './config-node.ts'
import type { Problems } from './problems.ts'

export class MachineNames {
  readonly #problems: Problems
  readonly #first = new Map<string, { name: string; place: Place }>()

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** Adds a device's machine, which is named after the device when it has no name of its own. */
  add(device: ConfigNode, path: Path): void {
    const key = nodeAt(device, ['machine']) ? 'machine' : 'id'
    const name = textAt(device, [key])
    if (name === undefined || name === '') return
    const place = placeAt(device, [key])
    const id = idFromName(name)
    const first = this.#first.get(id)
    if (!first) this.#first.set(id, { name, place })
    if (key === 'machine' && id === 'unnamed') {
      this.#problems.add(place, [...path, key], 'must hold a letter from a to z or a digit, for its id')
    } else if (first && first.name !== name) {
      const words = `this name and the one at line ${first.place.line} give the same machine id`
      this.#problems.add(place, [...path, key], `${words}; write both alike, or make them differ in a letter or digit`)
    }
  }
}
