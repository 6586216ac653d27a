// Tables: a caption for screen readers, right-aligned numbers, and on a phone each row becomes a block with its headings beside it.

import type { ComponentChildren, JSX } from 'preact'

export interface Column {
  readonly key: string
  readonly head: string
  readonly align?: 'start' | 'end'
  /** As narrow as its content; the other columns share what is left. */
  readonly isNarrow?: boolean
}

interface TableProps {
  readonly caption: string
  /** `sensors`: on a narrow screen a row is three short lines instead of one for each cell; `short`: it stays one line; `pick`: two. */
  readonly kind?: 'plain' | 'sensors' | 'registers' | 'short' | 'pick'
  readonly columns: readonly Column[]
  readonly children: ComponentChildren
}

export function Table({ caption, kind = 'plain', columns, children }: TableProps): JSX.Element {
  return (
    <table class={`table table-${kind}`}>
      <caption class="sr-only">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ key, head, align, isNarrow }) => (
            <th
              key={key}
              scope="col"
              class={`${align === 'end' ? 'align-end' : ''}${isNarrow === true ? ' is-narrow' : ''}`}
            >
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  )
}

interface CellProps {
  /** The column's heading, shown beside the cell on a narrow screen. */
  readonly head: string
  readonly align?: 'start' | 'end'
  /** On a narrow screen a line of its own, without the heading: for what speaks for itself. */
  readonly isWide?: boolean
  readonly children: ComponentChildren
}

export function Cell({ head, align, isWide = false, children }: CellProps): JSX.Element {
  return (
    <td data-head={head} class={`${align === 'end' ? 'align-end' : ''}${isWide ? ' is-wide' : ''}`}>
      <div class="cell">{children}</div>
    </td>
  )
}

/** The cell that names its row. */
export function HeadCell({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <th scope="row">{children}</th>
}

export interface Fact {
  /** Unique; shown unless there is a `label`. */
  readonly term: string
  readonly label?: ComponentChildren
  readonly value: ComponentChildren
}

/** Terms and what they are, for one thing. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }): JSX.Element {
  return (
    <dl class="facts">
      {facts.map(({ term, label, value }) => (
        <div key={term}>
          <dt>{label ?? term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
