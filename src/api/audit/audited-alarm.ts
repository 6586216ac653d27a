// A change of an alarm, told to the audit log with the alarm's state before and after.

import type { FastifyRequest } from 'fastify'
import type { Alarm } from '#domain/alarm.ts'
import type { AuditValue } from '#domain/audit.ts'
import type { AlarmRegister } from '#domain/views.ts'

/** Runs `act` on the alarm `id`; throws what it throws. */
export function auditedAlarm(
  request: FastifyRequest,
  { alarms, id }: { readonly alarms: AlarmRegister; readonly id: string },
  act: () => Alarm,
): Alarm {
  const before = alarms.get(id)
  request.auditDetails = { target: before ? `${before.sensor} ${before.check} ${id}` : id, before: stateOf(before) }
  const after = act()
  request.auditDetails = { ...request.auditDetails, after: stateOf(after) }
  return after
}

function stateOf(alarm: Alarm | undefined): AuditValue {
  if (!alarm) return null
  const { active, acknowledged, confirmed, latched, shelvedUntil, shelving, outOfService, lastComment } = alarm
  return {
    active,
    acknowledged,
    ...(confirmed === undefined ? {} : { confirmed }),
    ...(latched === undefined ? {} : { latched }),
    shelvedUntil: shelvedUntil === null ? null : new Date(shelvedUntil).toISOString(),
    ...(shelving === undefined ? {} : { shelving }),
    outOfService: outOfService === true,
    comment: lastComment?.text ?? null,
  }
}
