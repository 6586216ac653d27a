// A Modbus device that a scan suggests, as YAML to be pasted below `devices:`, with what its registers hold beside them. Pure.

import type { SuggestedDevice, SuggestedSensor } from '#domain/scan.ts'

export function modbusYaml({ config, title, sensors, left, notes }: SuggestedDevice): string {
  const { id, driver, connection, ...rest } = config
  return [
    ...[title, ...notes].filter((line) => line !== '').map((line) => `  # ${line}`),
    `  - id: ${id}`,
    `    driver: ${driver}`,
    `    connection: ${flow(connection)}`,
    ...Object.entries(rest).map(([key, value]) => `    ${key}: ${flow(value as object)}`),
    ...(sensors.length === 0 ? ['    sensors: []'] : ['    sensors:', ...sensors.map(sensorLine)]),
    ...(left > 0 ? [`      # ${left} more: see --limit`] : []),
  ].join('\n')
}

function sensorLine({ config, value, alternatives }: SuggestedSensor): string {
  const hints = alternatives.map((other) => `; ${Object.values(other.config).join(' ')} would be ${other.value}`)
  return `      - ${flow(config)} # ${String(value)}${hints.join('')}`
}

function flow(keys: object): string {
  const pairs = Object.entries(keys).map(
    ([key, value]) => `${key}: ${/^[a-z0-9][a-z0-9.-]*$/i.test(String(value)) ? value : JSON.stringify(value)}`,
  )
  return `{ ${pairs.join(', ')} }`
}
