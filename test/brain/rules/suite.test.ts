// Cases in the form of JsonLogic's published suite: our own, each also asked of the reference implementation; and that suite itself where
// JSONLOGIC_SUITE names a copy of it (docs/brain.md): no package holds it, so a clone has none.

import { readFileSync } from 'node:fs'
import reference from 'json-logic-js'
import { describe, expect, it } from 'vitest'
import { compileCondition } from '#brain/rules/condition.ts'
import { Logic } from '#brain/rules/operators.ts'
import { CASES, type Case } from './cases.ts'

type ReferenceRule = Parameters<typeof reference.apply>[0]
type Suite = readonly (string | Case)[]

const logic = new Logic()
const titled = (suite: Suite): [title: string, one: Case][] =>
  suite
    .filter((entry): entry is Case => typeof entry !== 'string')
    .map((one) => [`${JSON.stringify(one[0])} of ${JSON.stringify(one[1])}`, one])

function expectResult([rule, data, result]: Case): void {
  const failures: string[] = []
  const compiled = compileCondition(JSON.stringify(rule), { logic, onFailure: () => failures.push('broke off') })
  if (!compiled.ok) throw new Error(compiled.problem)
  expect(logic.build(rule)(data) ?? null).toEqual(result)
  if (typeof data === 'object' && data !== null)
    expect(compiled.condition.holds(data)).toBe(reference.truthy(result as ReferenceRule))
  expect(failures).toEqual([])
}

describe('A case of JsonLogic', () => {
  it.each(titled(CASES))('%s', (_title, one) => {
    expect(reference.apply(one[0] as ReferenceRule, one[1]) ?? null, 'the reference implementation').toEqual(one[2])
    expectResult(one)
  })
})

const published = process.env['JSONLOGIC_SUITE']
if (published !== undefined)
  describe('A case of the published suite', () => {
    it.each(titled(JSON.parse(readFileSync(published, 'utf8')) as Suite))('%s', (_title, one) => expectResult(one))
  })
