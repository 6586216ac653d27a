// What stands below a list that is read page by page: how much is shown, and the way to older entries.

import type { ComponentChildren, JSX } from 'preact'
import { counted } from '../format/words.ts'
import { Button } from './button.tsx'

interface ListFootProps {
  readonly count: number
  /** One and many of what is listed: `['entry', 'entries']`. */
  readonly nouns: readonly [string, string]
  readonly isLoading: boolean
  /** null: that was all. */
  readonly more: (() => void) | null
  /** Further buttons. */
  readonly children?: ComponentChildren
}

export function ListFoot({ count, nouns, isLoading, more, children }: ListFootProps): JSX.Element {
  return (
    <div class="card-foot button-row">
      <span class="quiet" role="status">
        {isLoading ? 'Loading…' : counted(count, ...nouns)}
      </span>
      {more !== null && (
        <Button onClick={more} disabled={isLoading}>
          Show older ones
        </Button>
      )}
      {children}
    </div>
  )
}
