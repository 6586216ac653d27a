// What no schema can say about the gateway as a whole. Reads nodes, like the rules of a sensor.

import { idFromName } from '#domain/ids.ts'
import { checkBroker } from './broker-rules.ts'
import { nodeAt, textAt } from './config-node.ts'
import { DEFAULT_CAPACITY, DEFAULT_HOST } from './gateway-schema.ts'
import { MAX_BODY_BYTES, MIN_BODY_BYTES } from './http-limits.ts'
import { isLoopback } from './loopback.ts'
import { complain, refuse, type Subject } from './subject.ts'
import { durationAt, numberAt, sizeAt } from './value-at.ts'

const MIN_STORE_BYTES = 16 * 1024 * 1024

/** `subject`: the whole file; `sensorCount`: of all devices. */
export function checkGatewayRules(sensorCount: number, subject: Subject): void {
  const factory = textAt(subject.node, ['gateway', 'factory'])
  if (factory !== undefined && factory !== '' && idFromName(factory) === 'unnamed') {
    refuse(subject, ['gateway', 'factory'], 'must hold a letter from a to z or a digit, for its id')
  }
  const capacity = numberAt(subject.node, ['buffer', 'capacity']) ?? DEFAULT_CAPACITY
  if (capacity < 2 * sensorCount) {
    refuse(subject, ['buffer', 'capacity'], `must be at least twice the number of sensors, which is ${sensorCount}`)
  }
  const watchMs = durationAt(subject.node, ['configuration', 'watch'])
  if (watchMs !== undefined && watchMs !== 0 && (watchMs < 5000 || watchMs > 3_600_000)) {
    refuse(subject, ['configuration', 'watch'], 'must be from 5s to 1h, or 0')
  }
  checkStore(subject)
  checkAccess(subject)
  checkTls(subject)
  checkHttpLimits(subject)
  checkBroker(subject)
}

function checkStore(subject: Subject): void {
  const flushMs = durationAt(subject.node, ['store', 'flushInterval'])
  if (flushMs !== undefined && (flushMs < 10 || flushMs > 60_000)) {
    refuse(subject, ['store', 'flushInterval'], 'must be from 10ms to 1m')
  }
  const bytes = sizeAt(subject.node, ['store', 'maxSize'])
  if (bytes !== undefined && bytes < MIN_STORE_BYTES) refuse(subject, ['store', 'maxSize'], 'must be at least 16MiB')
  for (const fidelity of ['raw', 'minute', 'hour']) {
    const at = ['store', 'retention', fidelity]
    if (durationAt(subject.node, at) === 0) refuse(subject, at, 'must be longer than 0')
  }
}

function checkAccess(subject: Subject): void {
  const host = textAt(subject.node, ['http', 'host']) ?? DEFAULT_HOST
  if (textAt(subject.node, ['http', 'auth']) !== 'none' || isLoopback(host)) return
  const reason = 'anyone on the network could come in'
  complain(
    subject,
    ['http', 'auth'],
    `none is only possible while http.host is a loopback address, for example 127.0.0.1: ${reason}`,
  )
}

function checkHttpLimits(subject: Subject): void {
  const bytes = sizeAt(subject.node, ['http', 'limits', 'maxBody'])
  if (bytes !== undefined && (bytes < MIN_BODY_BYTES || bytes > MAX_BODY_BYTES))
    refuse(subject, ['http', 'limits', 'maxBody'], 'must be from 16KiB to 64MiB')
}

function checkTls(subject: Subject): void {
  if (nodeAt(subject.node, ['http', 'tls']) === undefined) return
  const hasCert = textAt(subject.node, ['http', 'tls', 'cert']) !== undefined
  const hasKey = textAt(subject.node, ['http', 'tls', 'key']) !== undefined
  const selfSigned = nodeAt(subject.node, ['http', 'tls', 'selfSigned'])
  const isSelfSigned = selfSigned?.kind === 'scalar' && selfSigned.value === true
  if (hasCert !== hasKey) refuse(subject, ['http', 'tls'], `needs ${hasCert ? 'key' : 'cert'} as well`)
  else if (hasCert && isSelfSigned)
    refuse(subject, ['http', 'tls', 'selfSigned'], 'must be false beside a certificate of your own')
  else if (!hasCert && !isSelfSigned) refuse(subject, ['http', 'tls'], 'needs cert and key, or selfSigned: true')
}
