// What stands alone on the screen: before anybody is signed in, or while there is nobody to ask.

import type { ComponentChildren, JSX } from 'preact'
import { BrandMark } from './brand-mark.tsx'

interface GateProps {
  readonly title: string
  readonly product?: string
  readonly children: ComponentChildren
}

export function Gate({ title, product = 'TelemetryX Edge', children }: GateProps): JSX.Element {
  return (
    <main class="gate">
      <div class="gate-card">
        <p class="gate-brand">
          <BrandMark />
          {product}
        </p>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  )
}
