// The machines of the demo beside the press shop: what they are and how the gateway reads them belong together.

import { describe, expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'
import { coolingFan, fillingLine, packingScale } from '#simulate/demo-plant.ts'
import { simulationProblems } from '#simulate/rules.ts'
import { fill } from '#simulate/template.ts'

const machines = (faults: boolean) => [
  fillingLine(4840, { faults }),
  packingScale('/tmp/scale', { faults }),
  coolingFan('mqtt://127.0.0.1:1883', { faults }),
]

describe("the demo's machines", () => {
  it('are described without a mistake, each with an occasional fault that ends', () => {
    const devices = machines(true).map(({ spec }) => spec)
    expect(simulationProblems({ version: 1, seed: 1, devices })).toEqual([])
    for (const { faults = [] } of devices) {
      expect(faults.length).toBeGreaterThan(0)
      for (const { at, for: lasts, every } of faults) {
        expect(at).toBeGreaterThanOrEqual(45_000) // the first minute belongs to press 2
        expect(every! / lasts!).toBeGreaterThan(5)
      }
    }
    expect(machines(false).flatMap(({ spec }) => spec.faults ?? [])).toEqual([])
  })

  it('are read by a configuration that names their points', () => {
    const yaml = `gateway: { id: demo, factory: A }\ndevices:\n${machines(true)
      .map((machine) => machine.yaml)
      .join('\n')}`
    const catalogue = createCatalogue({ clock: systemClock })
    const parsed = parseGatewayConfig(yaml, { file: 'x.yaml', catalogue, env: {} })
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    for (const { id, sensors } of parsed.config.devices) {
      const { spec } = machines(true).find((machine) => machine.spec.id === id)!
      const points = 'points' in spec ? spec.points.map((point) => point.id) : []
      expect(sensors.map((sensor) => sensor.id)).toEqual(points)
    }
  })

  it('has a scale whose answer its pattern reads, stable or not, light or heavy', () => {
    const { spec, yaml } = packingScale('/tmp/scale', { faults: true })
    const pattern = new RegExp(/pattern: "(.*?)" }/.exec(yaml)![1]!)
    for (const [weight, stable] of [
      [12.034, 1],
      [-0.02, 0],
      [12345.6, 1],
    ] as const) {
      const answer = fill('answer' in spec ? spec.answer : '', (name) => (name === 'weight' ? weight : stable))
      expect(answer.endsWith('\r\n')).toBe(true)
      expect(pattern.exec(answer.trimEnd())?.groups).toMatchObject({
        stable: stable === 1 ? 'S' : 'U',
        weight: weight.toFixed(2),
      })
    }
  })
})
