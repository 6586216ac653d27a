import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Check } from 'typebox/value'
import { silentLogger } from '#kit/logger.ts'
import { MqttUplinkSchema } from '#uplinks/mqtt/schema.ts'
import { Topics, stateTopic, topicLevel } from '#uplinks/mqtt/topic.ts'
import { modelOf } from '../model-journal.ts'

const topics = (template: string) => new Topics({ template, gateway: 'edge-01', factory: 'Plant A', log: silentLogger })
const accepts = (topic: string): boolean => Check(MqttUplinkSchema, { url: 'mqtt://broker', topic })

describe('Topics', () => {
  it('fill in ids, the factory as its id', () => {
    const model = modelOf(['press-1.pressure', 'press-1.speed'])
    expect(topics('{factory}/{machine}/{sensor}').of(1, model)).toBe('plant-a/press-1/speed')
    expect(topics('x/{gateway}/{device}/{sensor}/y').of(0, model)).toBe('x/edge-01/press-1/pressure/y')
    expect(topics('{sensor}').of(7, model)).toBeUndefined()
  })

  it('follow a new model', () => {
    const both = topics('{device}/{sensor}')
    expect(both.of(0, modelOf(['a.b']))).toBe('a/b')
    expect(both.of(0, modelOf(['c.d']))).toBe('c/d')
  })

  it('say when two sensors share a topic', () => {
    const warnings: object[] = []
    const log = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) }
    new Topics({ template: '{sensor}', gateway: 'g', factory: 'f', log }).of(0, modelOf(['a.x', 'b.x']))
    expect(warnings).toEqual([{ topic: 'x', sensors: ['a.x', 'b.x'] }])
  })

  it('never contain a wildcard, a further level or a control character from a name', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('+', '#', '/', '\u0000', '\u0085', 'a', 'ü') }),
        (name) => !['+', '#', '/', '\u0000'].some((character) => topicLevel(name).includes(character)),
      ),
    )
    expect(stateTopic('edge/#')).toBe('telemetryx/edge__/state')
  })

  it.each(['{factory}/{sensor}', 'plant/{sensor}', 'a b/ü'])('accept the template %s', (template) =>
    expect(accepts(template)).toBe(true),
  )
  it.each(['', '{plant}/x', 'a/#', '+/b', '$SYS/x', 'a{sensor', 'a\u0000'])('refuse the template %j', (template) => {
    expect(accepts(template)).toBe(false)
  })
})
