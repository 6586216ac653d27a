// The pages about alarms, beside each other.

import type { JSX } from 'preact'
import { Link } from '../parts/button.tsx'

const TABS = [
  { key: 'open', text: 'Open', path: '/alarms' },
  { key: 'journal', text: 'Journal', path: '/journal' },
  { key: 'measures', text: 'Measures', path: '/alarms/measures' },
] as const

interface AlarmTabsProps {
  readonly current: (typeof TABS)[number]['key']
  /** false at central: it measures no alarm system, gateways do. */
  readonly hasMeasures?: boolean
}

export function AlarmTabs({ current, hasMeasures = true }: AlarmTabsProps): JSX.Element {
  return (
    <nav class="tabs" aria-label="About alarms">
      {TABS.filter(({ key }) => hasMeasures || key !== 'measures').map(({ key, text, path }) => (
        <Link key={key} to={path} current={key === current}>
          {text}
        </Link>
      ))}
    </nav>
  )
}
