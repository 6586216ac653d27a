// Metrics and events → lines of NDJSON as the gateway takes them.

const SEVERITIES = new Set(['debug', 'info', 'warning', 'error'])

/** @param {import('./collect.mjs').Metric} metric */
export function metricLine(metric) {
  const { sensor, value, time } = record(metric, 'metric')
  if (typeof sensor !== 'string' || sensor === '') throw new TypeError('metric.sensor must be the name of a sensor')
  const isNumber = typeof value === 'number'
  const isPlain = value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'bigint'
  if (!isNumber && !isPlain) throw new TypeError('metric.value must be a number, boolean, string, bigint or null')
  // NaN and infinities are no readings: JSON has none, and the gateway takes null as "there is no value".
  const sent = isNumber && !Number.isFinite(value) ? null : typeof value === 'bigint' ? String(value) : value
  return JSON.stringify({ sensor, value: sent, time: timeOf(time) })
}

/** @param {import('./collect.mjs').CollectedEvent} event */
export function eventLine(event) {
  const { severity = 'info', message, type, time, data } = record(event, 'event')
  if (!SEVERITIES.has(severity)) throw new TypeError(`event.severity must be one of ${[...SEVERITIES].join(', ')}`)
  if (typeof message !== 'string' || message === '') throw new TypeError('event.message must be text')
  return JSON.stringify({ severity, message, type, data, time: timeOf(time) }, (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}

function record(value, name) {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object`)
  return value
}

function timeOf(time) {
  const ms = time === undefined ? Date.now() : Number(time)
  if (!Number.isFinite(ms)) throw new TypeError('time must be a Date or Unix milliseconds')
  return Math.round(ms)
}
