// Changes that do not come through the API — commands of a receiver, a central's configuration, SIGHUP, what the gateway takes
// back by itself — told to the same audit log.

import type { AuditChange, AuditSink, AuditValue } from '#domain/audit.ts'
import type { AppliedConfiguration, ConfigurationDesk } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Model } from '#domain/sensor.ts'
import { jsonValue } from '#domain/value.ts'
import type { AlarmRegister, LatestValues } from '#domain/views.ts'
import type { CommandPorts } from '#uplinks/gateway-ports.ts'

type Told = Pick<AuditChange, 'action' | 'target' | 'who' | 'via' | 'from' | 'before'>

/** Codes of what was not allowed, rather than tried in vain. */
const REFUSALS = new Set(['PERMISSION_DENIED', 'NOT_WRITABLE', 'OUT_OF_RANGE', 'RATE_LIMITED'])

export interface AuditedCommandsOptions {
  readonly audit: AuditSink
  readonly latest: Pick<LatestValues, 'read'>
  readonly alarms: Pick<AlarmRegister, 'get'>
  readonly model: () => Model
}

/** Commands over an uplink. */
export function auditedCommands(commands: CommandPorts, options: AuditedCommandsOptions): CommandPorts {
  const { audit, latest, alarms, model } = options
  return {
    write: (sensor, value, origin, signal) => {
      const former = latest.read(sensor)?.value ?? null
      const before = former === null ? null : jsonValue(former)
      const { by: who, from } = origin
      const target = model().sensors.find(({ number }) => number === sensor)?.id ?? null
      const told: Told = { action: 'sensor.write', target, who, via: 'command', from, before }
      return audited(audit, told, () => commands.write(sensor, value, origin, signal), jsonValue)
    },
    acknowledge: (id, by, comment) => {
      const alarm = alarms.get(id)
      const target = alarm ? `${alarm.sensor} ${alarm.check} ${id}` : id
      const told: Told = {
        action: 'alarm.acknowledge',
        target,
        who: by,
        via: 'command',
        from: null,
        before: { acknowledged: alarm?.acknowledged ?? null },
      }
      try {
        commands.acknowledge(id, by, comment)
      } catch (error) {
        void audit.record({ ...told, outcome: outcomeOf(error), after: null })
        throw error
      }
      void audit.record({ ...told, outcome: 'done', after: { acknowledged: true, comment } })
    },
    check: (text) => commands.check(text),
  }
}

/** The desk for doors that nobody else watches: `via` is how they come in. */
export function auditedDesk(
  desk: ConfigurationDesk,
  audit: AuditSink,
  via: (origin: string) => string,
): ConfigurationDesk {
  const told = (action: string, who: string, origin: string): Told => {
    const before = { revision: desk.present().revision.number }
    return { action, target: null, who, via: via(origin), from: null, before }
  }
  const after = ({ revision }: AppliedConfiguration): AuditValue => ({ revision })
  return replacing(desk, {
    apply: (offer) => audited(audit, told('config.apply', offer.by, offer.origin), () => desk.apply(offer), after),
    reload: (by) => audited(audit, told('config.reload', by, 'file'), () => desk.reload(by), after),
    rollBack: (number, offer) =>
      audited(audit, told('config.rollback', offer.by, 'rollback'), () => desk.rollBack(number, offer), after),
  })
}

/** The desk whose revisions the gateway may take back by itself, which then stands in the audit log too. */
export function withAuditedOutcomes(desk: ConfigurationDesk, audit: AuditSink): ConfigurationDesk {
  const watched = async (applying: Promise<AppliedConfiguration>): Promise<AppliedConfiguration> => {
    const applied = await applying
    if (applied.isChanged) void tellTakenBack(applied, audit)
    return applied
  }
  return replacing(desk, {
    apply: (offer) => watched(desk.apply(offer)),
    reload: (by) => watched(desk.reload(by)),
    rollBack: (number, offer) => watched(desk.rollBack(number, offer)),
  })
}

async function tellTakenBack({ revision, outcome }: AppliedConfiguration, audit: AuditSink): Promise<void> {
  const { state, reason } = await outcome
  if (state !== 'rolledBack') return
  await audit.record({
    action: 'config.takeBack',
    target: null,
    who: 'system',
    via: 'system',
    from: null,
    outcome: 'done',
    before: { revision },
    after: { reason },
  })
}

/** The desk with some of its methods replaced; the others are still called on it. */
export function replacing(desk: ConfigurationDesk, methods: Partial<ConfigurationDesk>): ConfigurationDesk {
  return new Proxy(desk, {
    get: (target, name) => {
      const replaced: unknown = Reflect.get(methods, name)
      const member: unknown = replaced ?? Reflect.get(target, name, target)
      return typeof member === 'function' && replaced === undefined ? member.bind(target) : member
    },
  })
}

async function audited<T>(
  audit: AuditSink,
  told: Told,
  act: () => Promise<T>,
  after: (result: T) => AuditValue,
): Promise<T> {
  let result: T
  try {
    result = await act()
  } catch (error) {
    await audit.record({ ...told, outcome: outcomeOf(error), after: null })
    throw error
  }
  await audit.record({ ...told, outcome: 'done', after: after(result) })
  return result
}

function outcomeOf(error: unknown): AuditChange['outcome'] {
  return error instanceof TelemetryError && REFUSALS.has(error.code) ? 'refused' : 'failed'
}
