// Card: a titled area. EmptyState: why there is nothing to see, and what to do. Notice: something to know before the rest.

import type { ComponentChildren, JSX } from 'preact'
import { Icon, type IconName } from './icon.tsx'

interface CardProps {
  readonly title: string
  /** Beside the title: a mark, buttons. */
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}

export function Card({ title, aside, children }: CardProps): JSX.Element {
  return (
    <section class="card">
      <div class="card-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}

interface EmptyStateProps {
  readonly title: string
  readonly children: ComponentChildren
  readonly icon?: IconName
}

export function EmptyState({ title, children, icon = 'box' }: EmptyStateProps): JSX.Element {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p class="empty-title">{title}</p>
      <div class="empty-text">{children}</div>
    </div>
  )
}

interface NoticeProps {
  readonly icon: IconName
  readonly tone?: 'data' | 'quiet'
  readonly children: ComponentChildren
}

export function Notice({ icon, tone = 'quiet', children }: NoticeProps): JSX.Element {
  return (
    <div class={`notice notice-${tone}`}>
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  )
}
