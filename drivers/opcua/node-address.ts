// Node ids as people write them, OPC UA Part 6 §5.3.1.10:  [ns=<index>; | nsu=<uri>;] (i=<number> | s=<text> | g=<guid> | b=<base64>)
// Parsed once; the namespace index is found anew at each connection. Pure.

export type NodeIdentifier =
  | { readonly kind: 'numeric'; readonly value: number }
  | { readonly kind: 'string' | 'guid' | 'opaque'; readonly value: string }

export interface NodeAddress {
  /** As written. */
  readonly text: string
  /** Index as given, or the namespace's name. */
  readonly namespace: number | string
  readonly identifier: NodeIdentifier
}

const FORM = /^(?:ns=(?<index>\d{1,5});|nsu=(?<uri>[^;]+);)?(?<kind>[isgb])=(?<value>[^]*)$/
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** null when the text is no node id; `problem` says why. */
export function parseNodeAddress(text: string): NodeAddress | { readonly problem: string } {
  const groups = FORM.exec(text)?.groups
  if (groups === undefined) {
    return { problem: `"${text}" is no node id: write for example ns=2;s=Line1.Speed, or nsu=http://…;i=1001` }
  }
  const { index, uri, kind, value } = groups as { index?: string; uri?: string; kind: string; value: string }
  const namespace = uri === undefined ? Number(index ?? 0) : decodeUri(uri)
  if (typeof namespace === 'number' && namespace > 65_535) return { problem: 'A namespace index ends at 65535' }
  const identifier = parseIdentifier(kind, value)
  return 'problem' in identifier ? identifier : { text, namespace, identifier }
}

function parseIdentifier(kind: string, value: string): NodeIdentifier | { readonly problem: string } {
  switch (kind) {
    case 'i': {
      const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
      return number <= 0xffff_ffff
        ? { kind: 'numeric', value: number }
        : { problem: `i=${value} is no number from 0 to 4294967295` }
    }
    case 'g':
      return GUID.test(value)
        ? { kind: 'guid', value: value.toUpperCase() }
        : { problem: `g=${value} is no GUID: write for example g=09087E75-8E5E-499B-954F-F2A9603DB28A` }
    case 'b':
      return value !== '' && BASE64.test(value)
        ? { kind: 'opaque', value }
        : { problem: `b=${value} is no base64 text` }
    default:
      return value === '' ? { problem: 's= needs a text behind it' } : { kind: 'string', value }
  }
}

/** `%3B` and `%25` stand for the two characters that the form itself uses. */
function decodeUri(uri: string): string {
  return uri.replaceAll(/%3B/gi, ';').replaceAll('%25', '%')
}

/** The other direction, for a node id that a server gave: by the namespace's name, but for namespace 0. */
export function formatNodeAddress(namespaceUri: string | null, identifier: NodeIdentifier): string {
  const letter = { numeric: 'i', string: 's', guid: 'g', opaque: 'b' }[identifier.kind]
  const prefix = namespaceUri === null ? '' : `nsu=${namespaceUri.replaceAll('%', '%25').replaceAll(';', '%3B')};`
  return `${prefix}${letter}=${identifier.value}`
}

/** Index of the namespace on this server; null when it has none of this name. */
export function namespaceIndex(address: NodeAddress, namespaces: readonly string[]): number | null {
  if (typeof address.namespace === 'number') return address.namespace
  const index = namespaces.indexOf(address.namespace)
  return index === -1 ? null : index
}
