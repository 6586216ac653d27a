// What no schema can say about the embedded broker.

import type { Catalogue } from './catalogue.ts'
import { elementsOf, nodeAt, textAt, type ConfigNode } from './config-node.ts'
import type { DeviceConfig } from './gateway-config.ts'
import { DEFAULT_HOST } from './gateway-schema.ts'
import { isLoopback } from './loopback.ts'
import { complain, refuse, type Subject } from './subject.ts'
import { sizeAt } from './value-at.ts'

const MIN_PAYLOAD = 1024
const MAX_PAYLOAD = 16 * 1024 * 1024

/** `subject`: the whole file. */
export function checkBroker(subject: Subject): void {
  const broker = nodeAt(subject.node, ['broker'])
  if (!broker) return
  const users = elementsOf(nodeAt(broker, ['users']))
  if (users.length === 0 && !isLoopback(textAt(broker, ['host']) ?? DEFAULT_HOST)) {
    const advice = 'give users, or a loopback address, for example 127.0.0.1'
    refuse(subject, ['broker', 'host'], `must not be open to the network without users: ${advice}`)
  }
  const names = users.map((user) => textAt(user, ['name']))
  for (const [index, user] of users.entries()) {
    const name = names[index]
    if (name !== undefined && names.indexOf(name) < index)
      refuse(subject, ['broker', 'users', index, 'name'], 'must be another than those of the users before')
    checkRules(user, index, subject)
  }
  const bytes = sizeAt(subject.node, ['broker', 'maxPayload'])
  if (bytes !== undefined && (bytes < MIN_PAYLOAD || bytes > MAX_PAYLOAD))
    refuse(subject, ['broker', 'maxPayload'], 'must be from 1KiB to 16MiB')
}

/** A device that needs the broker of a gateway that has none. Looks only at a file without other problems. */
export function checkBrokerUse(devices: readonly DeviceConfig[], catalogue: Catalogue, subject: Subject): void {
  if (nodeAt(subject.node, ['broker']) !== undefined || subject.problems.size > 0) return
  for (const [index, { driver, config }] of devices.entries()) {
    if (catalogue.drivers.get(driver)?.needsBroker?.(config) !== true) continue
    complain(
      subject,
      ['devices', index],
      'without connection.url it needs the embedded broker: give a url, or the key broker',
    )
  }
}

function checkRules(user: ConfigNode, index: number, subject: Subject): void {
  for (const key of ['publish', 'subscribe']) {
    for (const [at, rule] of elementsOf(nodeAt(user, [key])).entries()) {
      const filter = textAt(rule, [])
      if (filter === undefined || isFilter(filter)) continue
      refuse(subject, ['broker', 'users', index, key, at], 'must have + as a whole level and # as the whole last one')
    }
  }
}

/** MQTT 3.1.1 §4.7.1 */
function isFilter(filter: string): boolean {
  const levels = filter.split('/')
  return levels.every((level, index) => {
    if (level === '+') return true
    if (level === '#') return index === levels.length - 1
    return !/[+#]/.test(level)
  })
}
