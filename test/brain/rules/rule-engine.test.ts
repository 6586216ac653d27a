// Rules at work without a network and a database: what one rule works out is not seen by another.

import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { compileRule } from '#brain/rules/rule-check.ts'
import { RuleEngine, type Spoken } from '#brain/rules/rule-engine.ts'
import { WindowMemory, type KeyedWindow } from '#brain/rules/windows.ts'
import { Registry } from '#kit/metrics.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import { BatchSchema, DictionarySchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { RuleSchema, Window_Function } from '#rpc/generated/telemetryx/v1/rules_pb.js'

const LIMITS = { maxWindowKeys: 100, maxWindowValues: 10_000 }
const WINDOW = { name: 'mean', function: Window_Function.AVG, extent: { case: 'count' as const, value: 10 } }

function engineWith(...rules: MessageInitShape<typeof RuleSchema>[]): RuleEngine {
  const engine = new RuleEngine({ registry: new Registry(), ...LIMITS })
  for (const init of rules) {
    const rule = compiled(init, engine)
    engine.book.of(rule.tenant).put(rule)
  }
  return engine
}

function compiled(init: MessageInitShape<typeof RuleSchema>, { logic, memory }: Pick<RuleEngine, 'logic' | 'memory'>) {
  const wire = create(RuleSchema, { enabled: true, severity: 3, condition: '{">":[{"var":"value"},0]}', ...init })
  const actions = { hasMail: false, hasMqtt: false }
  const result = compileRule(wire, null, 'rule', { logic, memory, actions, onFailure: () => {} })
  if (!result.ok) throw new Error(JSON.stringify(result.violations))
  return result.rule
}

/** Judges one reading of each value, of a gateway of `tenant`. */
function judge(engine: RuleEngine, tenant: string, values: readonly number[]): Spoken[] {
  const sensors = new KnownSensors()
  sensors.learn(create(DictionarySchema, { sensors: [{ number: 0, id: 'press-1.pressure', valueType: 1 }] }))
  const receivedAtMs = 1_795_000_000_000n
  const block = { firstSeq: 1n, sensors: values.map(() => 0), receivedAtMs, numbers: [...values] }
  const bytes = toBinary(
    BatchSchema,
    create(BatchSchema, { epoch: 1, lastSeq: BigInt(values.length), blocks: [block] }),
  )
  const batch = decodeBatch(bytes, sensors.typeOf)
  const spoken: Spoken[] = []
  const rows = values.map((_, row) => row)
  engine.judgeBatch({ tenant, gateway: 'edge-01', batch, rows, sensors }, (one) => void spoken.push(one))
  return spoken
}

const speaking = { actions: [{ kind: { case: 'alert' as const, value: { message: 'mean {windows.mean}' } } }] }

describe('A rule without windows', () => {
  it('sees none of another rule that looks at the same reading', () => {
    const engine = engineWith(
      { id: 'a-windowed', tenant: 'plant-a', windows: [WINDOW], ...speaking },
      { id: 'b-plain', tenant: 'plant-a', ...speaking },
    )
    const alerts = judge(engine, 'plant-a', [4, 6]).map(({ alert }) => alert)
    expect(alerts.map(({ message, ruleId }) => `${ruleId}: ${message}`)).toEqual([
      'a-windowed: mean 4',
      'b-plain: mean –',
      'a-windowed: mean 5',
      'b-plain: mean –',
    ])
    expect(alerts.map(({ data }) => data)).toEqual([
      { value: 4, windows: { mean: 4 } },
      { value: 4 },
      { value: 6, windows: { mean: 5 } },
      { value: 6 },
    ])
  })

  it('sees none of another tenant', () => {
    const engine = engineWith(
      { id: 'windowed', tenant: 'plant-a', windows: [WINDOW], ...speaking },
      { id: 'plain', tenant: 'plant-b', ...speaking },
    )
    judge(engine, 'plant-a', [42])
    const [spoken] = judge(engine, 'plant-b', [1])
    expect(spoken?.alert).toMatchObject({ ruleId: 'plain', message: 'mean –', data: { value: 1 } })
    expect(spoken?.alert.data).not.toHaveProperty('windows')
  })
})

describe('The memory of windows', () => {
  it('has nothing of a rule that is compiled and not taken', () => {
    const known = new Set<KeyedWindow>()
    class Watched extends WindowMemory {
      override register(window: KeyedWindow): void {
        known.add(window)
        super.register(window)
      }
    }
    const { logic } = engineWith()
    const memory = new Watched({ maxKeys: 10, maxValues: 1000 })
    const rule = compiled({ id: 'refused', tenant: 'plant-a', windows: [WINDOW] }, { logic, memory })
    expect(known.size).toBe(0)
    rule.windows[0]!.keyed.push('edge-01 press-1.pressure', 1, 1)
    expect([...known]).toEqual([rule.windows[0]!.keyed])
  })
})
