// Parses YAML with the bench catalogue and gives what a test looks at.

import { describe, expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import type { GatewayConfig } from '#config/gateway-config.ts'
import { benchCatalogue } from './bench-driver.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** `LINE:COLUMN: message` of each problem, `FILE:LINE:COLUMN: message` for other files; none when the text is fine. */
export function problemsOf(yaml: string, env: Env = {}, file = 'gateway.yaml'): string[] {
  const result = parseGatewayConfig(yaml, { file, catalogue: benchCatalogue, env })
  if (result.ok) return []
  return result.problems.map((problem) => {
    const place = `${problem.line}:${problem.column}: ${problem.message}`
    return problem.file === file ? place : `${problem.file}:${place}`
  })
}

/** The configuration; throws with the problems when there are any. */
export function configOf(yaml: string, env: Env = {}, file = 'gateway.yaml'): GatewayConfig {
  const result = parseGatewayConfig(yaml, { file, catalogue: benchCatalogue, env })
  if (!result.ok) throw new Error(problemsOf(yaml, env, file).join('\n'))
  return result.config
}

/** A valid file with these lines after the gateway, which is line 1. */
export function gatewayWith(lines: string): string {
  return `gateway: { id: edge-01, factory: Plant A }\n${lines}`
}

/** A valid file with one device whose sensors are these flow maps; the first stands in line 7 at column 9. */
export function withSensors(...sensors: string[]): string {
  const list = sensors.map((sensor) => `      - ${sensor}`)
  const head =
    'devices:\n  - id: press-1\n    driver: bench\n    connection: { transport: tcp, host: h }\n    sensors:\n'
  return gatewayWith(`${head}${list.join('\n')}\n`)
}

/** A valid file with this device in line 3 at column 5. */
export const device = (flow: string): string => gatewayWith(`devices:\n  - ${flow}\n`)

/** A valid file with this uplink in line 3 at column 5. */
export const uplink = (flow: string): string => gatewayWith(`uplinks:\n  - ${flow}\n`)

/** A valid sensor with more keys, which stand in line 7 from column 30. */
export const sensor = (keys: string): string => withSensors(`{ id: x, address: 1, ${keys} }`)

/** A valid sensor with checks, which stand in line 7 from column 40. */
export const check = (checks: string): string => sensor(`checks: [ ${checks} ]`)

/** What is wrong; the YAML; every problem in full; the environment. */
export type Case = readonly [name: string, yaml: string, problems: readonly string[], env?: Env]

/** One test for each case. */
export function describeProblems(group: string, cases: readonly Case[]): void {
  describe(group, () => {
    it.each(cases.map((row) => ({ name: row[0], row })))('says where $name is, and what to do', ({ row }) => {
      const [, yaml, problems, env] = row
      expect(problemsOf(yaml, env)).toEqual(problems)
    })
  })
}
