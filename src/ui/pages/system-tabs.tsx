// The pages about the gateway itself, beside each other. Each shows what the role may use.

import type { JSX } from 'preact'
import { Link } from '../parts/button.tsx'
import { useServices } from '../state/services.ts'

const TABS = [
  { key: 'configuration', text: 'Configuration', path: '/configuration', role: 'engineer' },
  { key: 'revisions', text: 'Revisions', path: '/configuration/revisions', role: 'engineer' },
  { key: 'import', text: 'Import', path: '/configuration/import', role: 'engineer' },
  { key: 'users', text: 'Users and tokens', path: '/users', role: 'admin' },
  { key: 'audit', text: 'Audit log', path: '/audit', role: 'admin' },
  { key: 'backup', text: 'Backup and support', path: '/backup', role: 'admin' },
  { key: 'about', text: 'About', path: '/about', role: 'viewer' },
  { key: 'account', text: 'Your account', path: '/account', role: 'viewer' },
] as const

export function SystemTabs({ current }: { readonly current: (typeof TABS)[number]['key'] }): JSX.Element {
  const { plant } = useServices()
  return (
    <nav class="tabs system-tabs" aria-label="About this gateway">
      {TABS.filter(({ role }) => role === 'viewer' || plant.may(role)).map(({ key, text, path }) => (
        <Link key={key} to={path} current={key === current}>
          {text}
        </Link>
      ))}
    </nav>
  )
}
