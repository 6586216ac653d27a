// The sign of the product: a trace between its limits.

import type { JSX } from 'preact'

export function BrandMark(): JSX.Element {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path class="brand-limits" d="M2 9h28M2 23h28" />
      <path class="brand-trace" d="M2 19l6-4 5 3 6-10 5 11h6" />
    </svg>
  )
}
