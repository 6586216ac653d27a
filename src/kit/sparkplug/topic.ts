// Topics of Sparkplug B: spBv1.0/group/type/node[/device]. A sensor names the publisher; which type a message has is for
// the driver to tell, because the metric's name, type and death come in other messages than its values.

export const NAMESPACE = 'spBv1.0'

const TYPES = ['NBIRTH', 'NDATA', 'NDEATH', 'DBIRTH', 'DDATA', 'DDEATH'] as const
export type MessageType = (typeof TYPES)[number]

export interface Publisher {
  readonly group: string
  readonly node: string
  /** null: the edge node itself. */
  readonly device: string | null
}

/** null when a message on this topic says nothing about metrics. */
export function parseTopic(topic: string): (Publisher & { readonly type: MessageType }) | null {
  const [namespace, group, word, node, device, ...rest] = topic.split('/')
  const type = TYPES.find((known) => known === word)
  if (namespace !== NAMESPACE || !type || !group || !node || rest.length > 0) return null
  if (type.startsWith('D') !== (device !== undefined)) return null
  return { type, group, node, device: device ?? null }
}

/** The publisher that a sensor's topic names; null when it is no topic of Sparkplug B. The type may be + or any. */
export function parsePublisher(topic: string): Publisher | null {
  const [namespace, group, type, node, device, ...rest] = topic.split('/')
  if (namespace !== NAMESPACE || !group || !type || !node || device === '' || rest.length > 0) return null
  if ([group, node, device].some((level) => level === '#' || level === '+')) return null
  return { group, node, device: device ?? null }
}

/** One for each edge node, whatever the device behind it. */
export function nodeKey({ group, node }: Publisher): string {
  return `${group}/${node}`
}

/** What to subscribe to for a publisher: everything of its node, because the node's death is its devices' death too. */
export function filtersFor({ group, node, device }: Publisher): string[] {
  const ofNode = `${NAMESPACE}/${group}/+/${node}`
  return device === null ? [ofNode] : [ofNode, `${ofNode}/${device}`]
}

/** Where a message goes; `device` null: the edge node itself. */
export function sparkplugTopic(type: MessageType | 'NCMD' | 'DCMD', { group, node, device }: Publisher): string {
  const ofNode = `${NAMESPACE}/${group}/${type}/${node}`
  return device === null ? ofNode : `${ofNode}/${device}`
}

/** Where a host application says whether it is online (Sparkplug 3.0 §6.4.26). */
export function hostStateTopic(host: string): string {
  return `${NAMESPACE}/STATE/${host}`
}
