// Sparkplug B payloads as bytes, written down from sparkplug_b.proto and the protobuf encoding; shares nothing with the driver.

export interface MetricParts {
  readonly name?: string
  readonly alias?: number
  readonly timestamp?: number
  readonly datatype?: number
  readonly isNull?: boolean
  readonly quality?: number
  readonly int?: number | bigint
  readonly long?: bigint
  readonly float?: number
  readonly double?: number
  readonly boolean?: boolean
  readonly string?: string
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)])
    bytes.push(Number(rest % 128n) + 128)
  }
}

const whole = (field: number, value: number | bigint): Buffer => Buffer.concat([varint(field * 8), varint(value)])
const block = (field: number, bytes: Uint8Array | string): Buffer => {
  const content = Buffer.from(bytes)
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content])
}
const fixed = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([varint(field * 8 + (bytes.length === 8 ? 1 : 5)), bytes])

export function metricBytes(parts: MetricParts): Buffer {
  const out: Buffer[] = []
  if (parts.name !== undefined) out.push(block(1, parts.name))
  if (parts.alias !== undefined) out.push(whole(2, parts.alias))
  if (parts.timestamp !== undefined) out.push(whole(3, parts.timestamp))
  if (parts.datatype !== undefined) out.push(whole(4, parts.datatype))
  if (parts.isNull) out.push(whole(7, 1))
  if (parts.quality !== undefined) {
    const property = Buffer.concat([whole(1, 3), whole(3, parts.quality)])
    out.push(block(9, Buffer.concat([block(1, 'Quality'), block(2, property)])))
  }
  if (parts.int !== undefined) out.push(whole(10, BigInt.asUintN(32, BigInt(parts.int))))
  if (parts.long !== undefined) out.push(whole(11, parts.long))
  if (parts.float !== undefined) {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatLE(parts.float)
    out.push(fixed(12, bytes))
  }
  if (parts.double !== undefined) {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(parts.double)
    out.push(fixed(13, bytes))
  }
  if (parts.boolean !== undefined) out.push(whole(14, parts.boolean ? 1 : 0))
  if (parts.string !== undefined) out.push(block(15, parts.string))
  return Buffer.concat(out)
}

export function payloadBytes(metrics: readonly MetricParts[], timestamp = 1_763_640_000_000, seq = 0): Buffer {
  return Buffer.concat([whole(1, timestamp), ...metrics.map((metric) => block(2, metricBytes(metric))), whole(3, seq)])
}
