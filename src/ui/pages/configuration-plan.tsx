// A plan in words: what happens to each part, and key by key what was and what will be.

import type { JSX } from 'preact'
import type { Plan, PlannedChange } from '../client/configuration.ts'
import { counted, listed, nameFromId } from '../format/words.ts'
import { Notice } from '../parts/card.tsx'
import { Badge } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'

const COLUMNS: readonly Column[] = [
  { key: 'what', head: 'What' },
  { key: 'change', head: 'Change', isNarrow: true },
  { key: 'effect', head: 'What happens' },
  { key: 'keys', head: 'Before → after' },
]

const CHANGE_WORDS: Readonly<Record<PlannedChange['change'], string>> = {
  added: 'New',
  removed: 'Removed',
  changed: 'Changed',
}

interface PlanViewProps {
  readonly plan: Plan
  /** `plan`: of what is to come; `diff`: of what was. */
  readonly tense: 'plan' | 'diff'
}

export function PlanView({ plan, tense }: PlanViewProps): JSX.Element {
  if (plan.changes.length === 0 && plan.needsRestart.length === 0)
    return <p>Nothing changes: comments and spacing at most.</p>
  const { devices, uplinks } = plan.undisturbed
  return (
    <>
      {tense === 'plan' && plan.needsRestart.length > 0 && (
        <Notice icon="bad" tone="data">
          <strong>This cannot be applied while the gateway runs.</strong> {listed(plan.needsRestart)} is taken up at a
          restart only: change the file on the gateway and restart it, or leave that key as it is.
        </Notice>
      )}
      <p class="plan-summary">
        {counted(plan.changes.length, 'change')}.{' '}
        {tense === 'plan' && `${counted(devices, 'device')} and ${counted(uplinks, 'uplink')} go on undisturbed.`}
      </p>
      <Table caption="Changes" columns={COLUMNS}>
        {plan.changes.map((change) => (
          <ChangeRow key={`${change.kind} ${change.id} ${change.effect}`} change={change} />
        ))}
      </Table>
    </>
  )
}

function ChangeRow({ change }: { readonly change: PlannedChange }): JSX.Element {
  return (
    <tr>
      <HeadCell>
        {change.id}
        <span class="second-line">{nameFromId(change.kind)}</span>
      </HeadCell>
      <Cell head="Change">
        <Badge tone="quiet" icon={change.change === 'added' ? 'add' : change.change === 'removed' ? 'cross' : 'edit'}>
          {CHANGE_WORDS[change.change]}
        </Badge>
      </Cell>
      <Cell head="What happens">{effectWords(change)}</Cell>
      <Cell head="Before → after" isWide>
        {change.keys.map(({ key, before, after }) => (
          <span key={key} class="key-change">
            <code>{key}</code>: {before ?? '(nothing)'} → <strong>{after ?? '(nothing)'}</strong>
          </span>
        ))}
      </Cell>
    </tr>
  )
}

function effectWords({ kind, change, effect }: PlannedChange): string {
  switch (effect) {
    case 'starts':
      return 'Starts'
    case 'stops':
      return 'Stops'
    case 'restarts':
      return kind === 'sensor' ? 'Its device restarts' : 'Restarts'
    case 'live':
      return change === 'removed' ? 'Ends, while all else runs' : 'Taken up while everything runs'
    case 'needsRestart':
      return 'Needs a restart of the gateway'
  }
}
