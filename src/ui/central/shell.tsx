// The frame of every page of central: skip link, whose fleet it is, who is there, the pages.

import type { ComponentChildren, JSX } from 'preact'
import { ROLES, type Role } from '../client/wire.ts'
import { BrandMark } from '../parts/brand-mark.tsx'
import { IconButton, Link } from '../parts/button.tsx'
import { Notice } from '../parts/card.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Badge } from '../parts/marks.tsx'
import { OutdatedNotice } from '../parts/outdated.tsx'
import { TitledPage, type PageProps } from '../parts/page.tsx'
import { ThemeButton } from '../parts/theme-button.tsx'
import { useFrame } from '../state/frame.ts'
import type { CentralRoute } from './route.ts'
import { useCentral } from './services.ts'
import type { Words } from './words.ts'

/** Whether who is signed in has at least `role`. */
export function useMay(role: Role): boolean {
  const own = useCentral().session.value?.user?.role ?? null
  return own !== null && ROLES.indexOf(own) >= ROLES.indexOf(role)
}

export function Shell({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const { theme } = useFrame()
  const { session } = useCentral()
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="header central-header">
        <Link to="/" class="brand">
          <BrandMark />
          <span>
            <span class="brand-product">TelemetryX Central</span>
            <span class="brand-gateway">{session.value?.tenant ?? '…'}</span>
          </span>
        </Link>
        <div class="header-tools">
          <ThemeButton theme={theme} />
          <User />
        </div>
      </header>
      <Navigation />
      <main id="main" tabIndex={-1}>
        <OutdatedNotice than="central" />
        {children}
      </main>
    </div>
  )
}

function User(): JSX.Element | null {
  const { api, session } = useCentral()
  const user = session.value?.user ?? null
  if (user === null) return null
  const leave = async (): Promise<void> => {
    await api.logout().catch(() => undefined) // the session may have ended already
    location.assign('/')
  }
  return (
    <>
      <Link to="/account" class="button button-quiet user">
        <Icon name="user" />
        {user.name}
        <span class="sr-only">, {user.role ?? 'program'}, your account</span>
      </Link>
      <IconButton icon="leave" label="Sign out" onClick={() => void leave()} />
    </>
  )
}

interface NavigationPage {
  readonly to: string
  readonly text: string
  readonly icon: IconName
  /** Pages that belong to it. */
  readonly pages: readonly CentralRoute['page'][]
  readonly role: Role
}

const PAGES: readonly NavigationPage[] = [
  { to: '/', text: 'Fleet', icon: 'devices', pages: ['fleet', 'gateway'], role: 'viewer' },
  { to: '/machines', text: 'Machines', icon: 'overview', pages: ['machines', 'machine', 'sensor'], role: 'viewer' },
  { to: '/alarms', text: 'Alarms', icon: 'alarms', pages: ['alarms', 'alerts', 'journal'], role: 'viewer' },
  { to: '/people', text: 'People', icon: 'user', pages: ['people'], role: 'admin' },
  { to: '/audit', text: 'Audit', icon: 'journal', pages: ['audit'], role: 'admin' },
  { to: '/keys', text: 'Keys', icon: 'uplinks', pages: ['keys'], role: 'admin' },
]

function Navigation(): JSX.Element {
  const { page } = useCentral().router.route.value
  const isAdmin = useMay('admin')
  return (
    <nav class="navigation" aria-label="Pages">
      <ul class="pages">
        {PAGES.filter(({ role }) => role === 'viewer' || isAdmin).map(({ to, text, icon, pages }) => (
          <li key={to}>
            <Link to={to} current={pages.includes(page)}>
              <Icon name={icon} />
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}

export function Page(props: PageProps): JSX.Element {
  return <TitledPage {...props} windowTitle={`${props.title} · TelemetryX Central`} />
}

/** `isStale`: something was known before, and is still shown. */
export function LostNotice({ error, isStale }: { readonly error: string | null; readonly isStale: boolean }) {
  return (
    <div role="alert">
      {error !== null && (
        <Notice icon="plugOff" tone="data">
          <strong>{error}</strong> {isStale && 'What is shown is as it was before. '}This page tries again by itself.
        </Notice>
      )}
    </div>
  )
}

export function WordsBadge({ words }: { readonly words: Words }): JSX.Element {
  return (
    <Badge tone={words.tone} {...(words.icon !== undefined && { icon: words.icon })}>
      {words.text}
    </Badge>
  )
}
