// Puts a device behind those of a YAML text, leaving all else as it is written.

import { topLevelValue } from './yaml-find.ts'

export interface Inserted {
  readonly text: string
  /** First and last line of the new entry, from 1. */
  readonly from: number
  readonly to: number
}

const INDENT = '  '

/** `entry`: lines that begin with `- `. null when the devices stand on one line: then a person must paste. */
export function insertDevice(text: string, entry: string): Inserted | null {
  const devices = topLevelValue(text, 'devices')
  if (devices === 'absent') return insertedAt(`${withBreak(text)}\ndevices:\n`, indented(entry, INDENT), '')
  if (devices === null) {
    const key = /^devices:.*\n?/m.exec(text)!
    const at = key.index + key[0].length
    return insertedAt(withBreak(text.slice(0, at)), indented(entry, INDENT), text.slice(at))
  }
  if (devices.name === 'BlockSequence') {
    const dash = devices.from
    const indent = dash - (text.lastIndexOf('\n', dash - 1) + 1)
    const end = devices.from + text.slice(devices.from, devices.to).trimEnd().length
    const lineEnd = text.indexOf('\n', end)
    const at = lineEnd === -1 ? text.length : lineEnd + 1
    return insertedAt(withBreak(text.slice(0, at)), indented(entry, ' '.repeat(indent)), text.slice(at))
  }
  // `devices: []`, or nothing behind the colon.
  if (!/^\[\s*\]$/.test(text.slice(devices.from, devices.to))) return null
  const before = text.slice(0, devices.from).trimEnd()
  return insertedAt(`${before}\n`, indented(entry, INDENT), text.slice(devices.to).replace(/^[ \t]*\n?/, ''))
}

function insertedAt(before: string, entry: string, after: string): Inserted {
  const from = before.split('\n').length
  return { text: before + entry + after, from, to: from + entry.trimEnd().split('\n').length - 1 }
}

function indented(entry: string, indent: string): string {
  return `${entry.trimEnd().replace(/^(?=.)/gm, indent)}\n`
}

function withBreak(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}
