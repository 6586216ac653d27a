// The pages about alarms, beside each other.

import type { JSX } from 'preact'
import { Link } from '../parts/button.tsx'

const TABS = [
  { key: 'open', text: 'Open', path: '/alarms' },
  { key: 'journal', text: 'Journal', path: '/journal' },
] as const

export function AlarmTabs({ current }: { readonly current: (typeof TABS)[number]['key'] }): JSX.Element {
  return (
    <nav class="tabs" aria-label="About alarms">
      {TABS.map(({ key, text, path }) => (
        <Link key={key} to={path} current={key === current}>
          {text}
        </Link>
      ))}
    </nav>
  )
}
