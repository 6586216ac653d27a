// The pages about alarms, beside each other.

import type { JSX } from 'preact'
import { Link } from '../parts/button.tsx'

const TABS = [
  { key: 'open', text: 'Open', path: '/alarms' },
  { key: 'journal', text: 'Journal', path: '/journal' },
  // Gateways measure their alarm system; what rules said over many gateways, central keeps.
  { key: 'measures', text: 'Measures', path: '/alarms/measures', of: 'gateway' },
  { key: 'alerts', text: 'Alerts', path: '/alerts', of: 'central' },
] as const satisfies readonly { key: string; text: string; path: string; of?: 'gateway' | 'central' }[]

interface AlarmTabsProps {
  readonly current: (typeof TABS)[number]['key']
  /** Whose pages these are. */
  readonly of?: 'gateway' | 'central'
}

export function AlarmTabs({ current, of = 'gateway' }: AlarmTabsProps): JSX.Element {
  return (
    <nav class="tabs" aria-label="About alarms">
      {TABS.filter((tab) => !('of' in tab) || tab.of === of).map(({ key, text, path }) => (
        <Link key={key} to={path} current={key === current}>
          {text}
        </Link>
      ))}
    </nav>
  )
}
