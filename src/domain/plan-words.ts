// A plan in words: one line that sums it up, and a line for each change.

import type { ChangeEffect, ConfigurationPlan, KeyChange, PlannedChange } from './configuration.ts'

const EFFECTS: Readonly<Record<ChangeEffect, string>> = {
  starts: 'starts',
  stops: 'stops',
  restarts: 'restarts',
  live: 'taken up while it runs',
  needsRestart: 'needs a restart of the gateway',
}

/** `2 devices restart, 1 uplink starts; 495 devices and 2 uplinks go on undisturbed` */
export function planWords({ changes, undisturbed, needsRestart }: ConfigurationPlan): string {
  if (changes.length === 0) return 'nothing changes'
  const parts: string[] = []
  for (const kind of ['device', 'uplink'] as const) {
    for (const effect of ['starts', 'restarts', 'stops'] as const) {
      const count = changes.filter((change) => change.kind === kind && change.effect === effect).length
      if (count > 0) parts.push(`${counted(count, kind)} ${count === 1 ? effect : effect.slice(0, -1)}`)
    }
  }
  const live = changes.filter(({ effect }) => effect === 'live').length
  if (live > 0) parts.push(`${counted(live, 'change')} taken up while everything runs`)
  if (needsRestart.length > 0) parts.push(`a restart of the gateway is needed for ${needsRestart.join(', ')}`)
  const rest = `${counted(undisturbed.devices, 'device')} and ${counted(undisturbed.uplinks, 'uplink')}`
  return `${parts.join(', ')}; ${rest} undisturbed`
}

/** One line for each change, as `telemetryx plan` prints it. */
export function planLines({ changes }: ConfigurationPlan): string[] {
  return changes.map((change) => {
    const sign = { added: '+', removed: '-', changed: '~' }[change.change]
    const effect = change.kind === 'sensor' && change.change !== 'changed' ? '' : ` (${effectWords(change)})`
    const keys = change.keys.map((key) => `\n    ${keyWords(key)}`).join('')
    const hidden = change.change === 'changed' && change.keys.length === 0 ? `\n    ${HIDDEN_WORDS[change.kind]}` : ''
    return `${sign} ${change.kind} ${change.id}${effect}${keys}${hidden}`
  })
}

/** Why something changes of which nothing that may be shown has. */
const HIDDEN_WORDS: Readonly<Record<PlannedChange['kind'], string>> = {
  device: 'its sensors changed, or what a reference stands for',
  uplink: 'what a reference stands for has changed',
  setting: 'what a reference stands for has changed',
  sensor: 'what a reference stands for has changed',
  derived: 'what a reference stands for has changed',
}

function effectWords({ kind, effect }: PlannedChange): string {
  return kind === 'sensor' && effect === 'restarts' ? 'its device restarts' : EFFECTS[effect]
}

function keyWords({ key, before, after }: KeyChange): string {
  if (before !== null && before === after) return `${key}: ${after}, whose value has changed`
  return `${key}: ${before ?? '(nothing)'} → ${after ?? '(nothing)'}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
