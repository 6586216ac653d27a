// Versions in their order.

import { expect, it } from 'vitest'
import { compareVersions } from '#update/manifest.ts'

it('orders versions as Semantic Versioning does', () => {
  const order = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.10',
    '1.2.0',
    '10.0.0',
  ]
  for (const [i, a] of order.entries())
    for (const [j, b] of order.entries()) expect(Math.sign(compareVersions(a, b)), `${a} ${b}`).toBe(Math.sign(i - j))
})
