// Puts entries behind the sensors of a device in a YAML text, leaving all else as it is written.

import { topLevelValue, valueOf, type YamlNode } from './yaml-find.ts'

/** `entries`: lines that begin with `- `. null when the device has no list of sensors in block style: then a person must paste. */
export function insertSensors(text: string, device: string, entries: string): string | null {
  const sensors = sensorsOf(text, device)
  if (sensors === null) return null
  const item = sensors.getChild('Item')
  if (item === null) return null
  // The dash of the first entry gives the indentation.
  const dash = sensors.from
  const indent = dash - (text.lastIndexOf('\n', dash - 1) + 1)
  const lines = entries.trimEnd().replace(/^(?=.)/gm, ' '.repeat(indent))
  const end = sensors.from + text.slice(sensors.from, sensors.to).trimEnd().length
  const lineEnd = text.indexOf('\n', end)
  const at = lineEnd === -1 ? text.length : lineEnd
  return `${text.slice(0, at)}\n${lines}${text.slice(at)}`
}

function sensorsOf(text: string, device: string): YamlNode | null {
  const devices = topLevelValue(text, 'devices')
  if (devices === null || devices === 'absent') return null
  for (const item of devices.getChildren('Item')) {
    const mapping = item.getChild('BlockMapping')
    const id = valueOf(mapping, 'id', text)
    if (id === null || text.slice(id.from, id.to).replace(/^(["'])(.*)\1$/, '$2') !== device) continue
    const sensors = valueOf(mapping, 'sensors', text)
    return sensors?.name === 'BlockSequence' ? sensors : null
  }
  return null
}
