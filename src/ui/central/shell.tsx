// The frame of every page of central: skip link, whose fleet it is, who is there, the pages.

import { useEffect, useRef } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { BrandMark } from '../parts/brand-mark.tsx'
import { Notice } from '../parts/card.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Badge } from '../parts/marks.tsx'
import { ThemeButton } from '../parts/theme-button.tsx'
import { useCentral } from './services.ts'
import type { CentralRole } from './wire.ts'
import type { Words } from './words.ts'

const RANKS: readonly CentralRole[] = ['viewer', 'operator', 'engineer', 'admin']

/** Whether who is signed in has at least `role`. */
export function useMay(role: CentralRole): boolean {
  const own = useCentral().session.value?.user?.role ?? null
  return own !== null && RANKS.indexOf(own) >= RANKS.indexOf(role)
}

interface LinkProps {
  readonly to: string
  readonly class?: string
  readonly current?: boolean
  readonly children: ComponentChildren
}

/** A real link: opens in a new tab when asked to, else changes the page without loading it anew. */
export function Link({ to, children, class: className, current }: LinkProps): JSX.Element {
  const { router } = useCentral()
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    router.go(to)
  }
  return (
    <a href={to} class={className} onClick={onClick} aria-current={current === true ? 'page' : undefined}>
      {children}
    </a>
  )
}

export function Shell({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const { session, theme } = useCentral()
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
    <button
      class="button button-quiet user"
      type="button"
      onClick={() => void leave()}
      title={`${user.role ?? 'program'}. Sign out`}
    >
      <Icon name="user" />
      {user.name}
      <span class="sr-only">, {user.role}, sign out</span>
    </button>
  )
}

function Navigation(): JSX.Element {
  const { page } = useCentral().router.route.value
  const mayKeys = useMay('admin')
  const item = (to: string, text: string, icon: IconName, isCurrent: boolean): JSX.Element => (
    <li>
      <Link to={to} current={isCurrent}>
        <Icon name={icon} />
        {text}
      </Link>
    </li>
  )
  return (
    <nav class="navigation" aria-label="Pages">
      <ul class="pages">
        {item('/', 'Fleet', 'devices', page === 'fleet' || page === 'gateway')}
        {mayKeys && item('/keys', 'Keys', 'uplinks', page === 'keys')}
      </ul>
    </nav>
  )
}

interface PageProps {
  readonly title: string
  readonly lead?: ComponentChildren
  readonly trail?: ComponentChildren
  readonly children: ComponentChildren
}

/** A page with its title; the focus goes there, so that a screen reader says where one has come. */
export function Page({ title, lead, trail, children }: PageProps): JSX.Element {
  const { router } = useCentral()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · TelemetryX Central`
    // On the first page the focus stays where the browser puts it.
    if (router.hasMoved) heading.current?.focus({ preventScroll: true })
  }, [title])
  return (
    <>
      <div class="page-head">
        {trail !== undefined && (
          <nav class="trail" aria-label="Where this page is">
            {trail}
          </nav>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead !== undefined && <div class="lead">{lead}</div>}
      </div>
      {children}
    </>
  )
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
