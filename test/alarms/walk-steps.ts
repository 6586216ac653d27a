// What a walk through the register may do: operations at random, and the sequence that ends an occurrence.

import fc from 'fast-check'
import type { AlarmChange } from '#domain/alarm.ts'

const CHECKS = ['threshold', 'zscore', 'second'] as const
const LEVELS = ['lowLow', 'low', 'high', 'highHigh'] as const

export const EVERY_CHANGE: readonly AlarmChange[] = [
  'raised',
  'level',
  'cleared',
  'acknowledged',
  'confirmed',
  'reset',
  'commented',
  'shelved',
  'unshelved',
  'suppressed',
  'unsuppressed',
  'outOfService',
  'inService',
]

export type Step =
  | { readonly kind: 'report'; readonly check: string; readonly level: (typeof LEVELS)[number] }
  | {
      readonly kind:
        | 'clear'
        | 'acknowledge'
        | 'unshelve'
        | 'confirm'
        | 'reset'
        | 'suppress'
        | 'unsuppress'
        | 'takeOut'
        | 'putBack'
        | 'comment'
      readonly check: string
    }
  | { readonly kind: 'shelve'; readonly check: string; readonly forMs: number }
  | { readonly kind: 'takeCheckOut'; readonly check: string; readonly forMs: number | null }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }

const check = fc.constantFrom(...CHECKS)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('report' as const), check, level: fc.constantFrom(...LEVELS) }),
  fc.record({ kind: fc.constantFrom('clear' as const, 'acknowledge' as const, 'unshelve' as const), check }),
  fc.record({ kind: fc.constantFrom('confirm' as const, 'reset' as const), check }),
  fc.record({ kind: fc.constantFrom('suppress' as const, 'unsuppress' as const), check }),
  fc.record({ kind: fc.constantFrom('takeOut' as const, 'putBack' as const, 'comment' as const), check }),
  fc.record({
    kind: fc.constant('takeCheckOut' as const),
    check,
    forMs: fc.option(fc.integer({ min: -2, max: 50 })),
  }),
  fc.record({ kind: fc.constant('shelve' as const), check, forMs: fc.integer({ min: -5, max: 50 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ kind: fc.constant('restart' as const) }),
)

/** All that ends an occurrence, in its order: at random it hardly ever comes about. */
const settled: fc.Arbitrary<readonly Step[]> = check.map((name) => [
  { kind: 'report', check: name, level: 'high' },
  { kind: 'clear', check: name },
  { kind: 'acknowledge', check: name },
  { kind: 'confirm', check: name },
  { kind: 'reset', check: name },
])
export const walks = fc
  .array(
    fc.oneof({ weight: 14, arbitrary: step.map((one): readonly Step[] => [one]) }, { weight: 1, arbitrary: settled }),
    { maxLength: 60, size: 'max' },
  )
  .map((parts) => parts.flat())
