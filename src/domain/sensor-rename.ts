// Other names for sensors: the rules of an uplink's `map`.

import { sensorPattern } from './sensor-pattern.ts'

export interface RenameRule {
  /** Pattern of full sensor ids. */
  readonly sensor: string
  /** New full id; its `*`s stand for what those of `sensor` matched, in order. null: the id stays. */
  readonly as: string | null
  /** New machine id; null: the machine stays. */
  readonly machine: string | null
}

/** A function that answers the new id and machine of a sensor by the first rule that fits; null when none does. */
export function renamer(
  rules: readonly RenameRule[],
): (id: string) => { readonly id: string; readonly machine: string | null } | null {
  const compiled = rules.map((rule) => ({
    ...rule,
    pattern: new RegExp(sensorPattern(rule.sensor).source.replaceAll('.*', '(.*)'), 's'),
  }))
  return (id) => {
    for (const { pattern, as, machine } of compiled) {
      const match = pattern.exec(id)
      if (!match) continue
      let star = 0
      return { id: as?.replace(/\*/g, () => match[++star] ?? '') ?? id, machine }
    }
    return null
  }
}
