// Read Device Identification: who made a device, and what it is. Pure. Modbus Application Protocol V1.1b3 §6.21.
//
//   request   43 · 14 · kind u8 (1 basic, 2 regular) · first object u8
//   answer    43 · 14 · kind u8 · conformity u8 · more follows u8 (0, FF) · next object u8 · objects u8 · { id u8 · length u8 · text }

const ENCAPSULATED = 43
const READ_IDENTIFICATION = 14
/** Before the first object. */
const HEAD_BYTES = 7
const MORE = 0xff

export const BASIC = 1
export const REGULAR = 2

const NAMES = ['vendor', 'product', 'revision', 'url', 'productName', 'model', 'application'] as const

/** What a device says about itself; only what it says. */
export type Identification = { readonly [name in (typeof NAMES)[number]]?: string }

export interface IdentificationPart {
  readonly identification: Identification
  /** Object to ask for next; null: that was all. */
  readonly next: number | null
}

export function identificationRequest(kind: number, firstObject: number): Buffer {
  return Buffer.from([ENCAPSULATED, READ_IDENTIFICATION, kind, firstObject])
}

export function isIdentification(pdu: Uint8Array): boolean {
  return pdu[0] === ENCAPSULATED
}

/** Bytes of the PDU that begins at `at`; null when too little has come to know; 0 when it is none. */
export function identificationLength(bytes: Uint8Array, at: number, available: number): number | null {
  if (available >= 2 && bytes[at + 1] !== READ_IDENTIFICATION) return 0
  if (available < HEAD_BYTES) return null
  let length = HEAD_BYTES
  for (let object = bytes[at + HEAD_BYTES - 1]!; object > 0; object--) {
    if (length + 2 > available) return null
    length += 2 + bytes[at + length + 1]!
  }
  return length
}

/** Why it cannot be the answer; null when it fits. */
export function identificationMismatch(answer: Uint8Array): string | null {
  const length = identificationLength(answer, 0, answer.length)
  return length === answer.length ? null : 'the identification is not of its form'
}

/** What a fitting answer says. */
export function readIdentification(answer: Uint8Array): IdentificationPart {
  const found: { [name in (typeof NAMES)[number]]?: string } = {}
  let at = HEAD_BYTES
  for (let object = answer[HEAD_BYTES - 1]!; object > 0; object--) {
    const name = NAMES[answer[at]!]
    const text = Buffer.from(answer.subarray(at + 2, at + 2 + answer[at + 1]!))
      .toString('latin1')
      .trim()
    if (name !== undefined && text !== '') found[name] = text
    at += 2 + answer[at + 1]!
  }
  return { identification: found, next: answer[4] === MORE ? answer[5]! : null }
}
