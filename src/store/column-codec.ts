// Columns beside the values: times, statuses, source times, sensor numbers, text. Each is written for rows [start, end).

import { type ByteReader, type ByteWriter, corrupt, putVarint, unzigzag, zigzag } from './bytes.ts'

const RAW = 0
const STEPS = 1 // differences, less their usual size
const CURVE = 2 // differences of differences

const MAX_TIME = 2 ** 50 // second differences then stay within 2^52

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Times in Unix milliseconds, in any order; any float64 comes back to the bit. u8 mode, then varints or 8 bytes each. */
export function writeTimes(out: ByteWriter, times: Float64Array, start: number, end: number): void {
  const count = end - start
  if (!areWhole(times, start, end)) {
    out.byte(RAW)
    out.raw(new Uint8Array(times.buffer, times.byteOffset + start * 8, count * 8))
    return
  }
  const usual = count > 1 ? Math.round((times[end - 1]! - times[start]!) / (count - 1)) : 0
  const curved = count > 2 && isSmootherCurved(times, start, end, usual)
  out.byte(curved ? CURVE : STEPS)
  out.signed(usual)
  out.reserve(count * 8)
  const { bytes } = out
  let at = out.at
  let last = 0
  let expected = 0
  for (let i = start; i < end; i++) {
    const step = times[i]! - last
    const rest = zigzag(step - expected)
    if (rest < 0x80) bytes[at++] = rest
    else at = putVarint(bytes, at, rest)
    last = times[i]!
    expected = i === start ? usual : curved ? step : usual
  }
  out.at = at
}

export function readTimes(input: ByteReader, times: Float64Array, start: number, end: number): void {
  const mode = input.byte()
  if (mode === RAW) {
    new Uint8Array(times.buffer, times.byteOffset + start * 8, (end - start) * 8).set(input.raw((end - start) * 8))
    return
  }
  if (mode !== STEPS && mode !== CURVE) throw corrupt('Times are written in an unknown way')
  const usual = input.signed()
  let last = 0
  let expected = 0
  for (let i = start; i < end; i++) {
    const step = unzigzag(input.varint()) + expected
    last += step
    times[i] = last
    expected = i === start ? usual : mode === CURVE ? step : usual
  }
}

function areWhole(times: Float64Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const time = times[i]!
    if (!(Math.floor(time) === time && time <= MAX_TIME && time >= -MAX_TIME) || (time === 0 && 1 / time < 0))
      return false
  }
  return true
}

function isSmootherCurved(times: Float64Array, start: number, end: number, usual: number): boolean {
  let steps = 0
  let curve = 0
  let lastStep = usual
  for (let i = start + 1; i < end; i++) {
    const step = times[i]! - times[i - 1]!
    steps += Math.abs(step - usual)
    curve += Math.abs(step - lastStep)
    lastStep = step
  }
  return curve < steps
}

/** Statuses as runs: varint length, then the code with its top half first, as a varint (good is 0). */
export function writeStatuses(out: ByteWriter, status: Uint32Array, start: number, end: number): void {
  let i = start
  while (i < end) {
    const code = status[i]!
    let next = i + 1
    while (next < end && status[next] === code) next += 1
    out.varint(next - i)
    out.varint(((code >>> 16) | (code << 16)) >>> 0)
    i = next
  }
}

export function readStatuses(input: ByteReader, status: Uint32Array, start: number, end: number): void {
  let i = start
  while (i < end) {
    const length = input.varint()
    const turned = input.varint()
    if (length < 1 || length > end - i || turned >= 2 ** 32) throw corrupt('A run of statuses is impossible')
    status.fill(((turned >>> 16) | (turned << 16)) >>> 0, i, i + length)
    i += length
  }
}

/**
 * Source times, NaN where the source gave none: runs of varint lengths, without and with in turn; then, for those with
 * one, how far the receive time lies behind it (as in writeTimes: mode, then steps). All NaNs come back as the usual one.
 */
export function writeSourceTimes(
  out: ByteWriter,
  source: Float64Array,
  received: Float64Array,
  start: number,
  end: number,
): void {
  let given = false
  let i = start
  let total = 0
  while (i < end) {
    let next = i
    while (next < end && !Number.isNaN(source[next]) === given) next += 1
    out.varint(next - i)
    if (given) total += next - i
    i = next
    given = !given
  }
  if (total === 0) return
  const delays = new Float64Array(total)
  const exact = fillDelays(delays, source, received, start, end)
  out.byte(exact ? 1 : 0)
  writeTimes(out, delays, 0, total)
}

export function readSourceTimes(
  input: ByteReader,
  source: Float64Array,
  received: Float64Array,
  start: number,
  end: number,
): void {
  let given = false
  let i = start
  let total = 0
  while (i < end) {
    const length = input.varint()
    if (length > end - i) throw corrupt('A run of source times is impossible')
    source.fill(given ? 0 : Number.NaN, i, i + length)
    if (given) total += length
    i += length
    given = !given
  }
  if (total === 0) return
  const relative = input.byte() === 1
  const delays = new Float64Array(total)
  readTimes(input, delays, 0, total)
  let next = 0
  for (let row = start; row < end; row++) {
    if (Number.isNaN(source[row])) continue
    source[row] = relative ? received[row]! - delays[next]! : delays[next]!
    next += 1
  }
}

/** Receive minus source time when that loses nothing (true), else the source times themselves. */
function fillDelays(
  delays: Float64Array,
  source: Float64Array,
  received: Float64Array,
  start: number,
  end: number,
): boolean {
  let exact = true
  let next = 0
  for (let i = start; i < end; i++) {
    const time = source[i]!
    if (Number.isNaN(time)) continue
    const delay = received[i]! - time
    if (!Object.is(received[i]! - delay, time)) exact = false
    delays[next++] = delay
  }
  if (exact) return true
  next = 0
  for (let i = start; i < end; i++) if (!Number.isNaN(source[i])) delays[next++] = source[i]!
  return false
}

/** Sensor numbers as zigzagged differences of number + 1; 0 stands for an entry. */
export function writeSensors(out: ByteWriter, sensor: Uint32Array, start: number, end: number): void {
  out.reserve((end - start) * 8)
  const { bytes } = out
  let at = out.at
  let last = 0
  for (let i = start; i < end; i++) {
    const shifted = (sensor[i]! + 1) >>> 0
    const step = zigzag(shifted - last)
    if (step < 0x80) bytes[at++] = step
    else at = putVarint(bytes, at, step)
    last = shifted
  }
  out.at = at
}

export function readSensors(input: ByteReader, sensor: Uint32Array, start: number, end: number): void {
  let shifted = 0
  for (let i = start; i < end; i++) {
    shifted += unzigzag(input.varint())
    sensor[i] = (shifted - 1) >>> 0
  }
}

/** Texts by row, ascending: varint count; for each, varint row difference, varint length, UTF-8. */
export function writeTexts(out: ByteWriter, texts: ReadonlyMap<number, string>, start: number, end: number): void {
  const rows = [...texts.keys()].filter((row) => row >= start && row < end).sort((a, b) => a - b)
  out.varint(rows.length)
  let last = start
  for (const row of rows) {
    const bytes = encoder.encode(texts.get(row)!)
    out.varint(row - last)
    out.varint(bytes.length)
    out.raw(bytes)
    last = row
  }
}

export function readTexts(input: ByteReader, texts: Map<number, string>, start: number, end: number): void {
  const count = input.varint()
  let row = start
  for (let i = 0; i < count; i++) {
    row += input.varint()
    if (row >= end) throw corrupt('A text belongs to no row')
    texts.set(row, decoder.decode(input.raw(input.varint())))
  }
}
