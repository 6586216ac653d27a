// What a rule is to do when it speaks: is it complete, and does this brain have what it needs?

import type { Action } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import type { FieldViolation } from '../rpc/answers.ts'

const MAX_ACTIONS = 16
const MAX_TEXT = 1000
const MAX_RECIPIENTS = 50
const MAX_URL = 2048
const MAX_TIMEOUT_S = 60

/** What is configured. */
export interface ActionRules {
  readonly hasMail: boolean
  readonly hasMqtt: boolean
}

export function actionProblems(actions: readonly Action[], rules: ActionRules): FieldViolation[] {
  if (actions.length > MAX_ACTIONS) return [{ field: 'actions', description: `must not be more than ${MAX_ACTIONS}` }]
  return actions.flatMap((action, index) =>
    problemsOf(action, rules).map(({ description, field }) => ({
      field: `actions[${index}]${field === '' ? '' : `.${field}`}`,
      description,
    })),
  )
}

function problemsOf({ kind }: Action, { hasMail, hasMqtt }: ActionRules): FieldViolation[] {
  switch (kind.case) {
    case 'alert':
      return tooLong('alert.message', kind.value.message)
    case 'webhook':
      return webhookProblems(kind.value.url, Number(kind.value.timeout?.seconds ?? 0n), kind.value.secret)
    case 'email':
      if (!hasMail) return [{ field: 'email', description: 'needs smtp in the configuration of the brain' }]
      return mailProblems(kind.value.to, kind.value.subject)
    case 'mqtt':
      if (!hasMqtt) return [{ field: 'mqtt', description: 'needs mqtt in the configuration of the brain' }]
      return isTopic(kind.value.topic)
        ? []
        : [{ field: 'mqtt.topic', description: 'must be a topic without wildcards, at most 1024 characters' }]
    case undefined:
      return [{ field: '', description: 'says nothing to do' }]
  }
}

function webhookProblems(url: string, timeoutSeconds: number, secret: string): FieldViolation[] {
  const problems: FieldViolation[] = []
  const isHttp = url.length <= MAX_URL && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  if (!isHttp) problems.push({ field: 'webhook.url', description: 'must be an http or https address' })
  else if (new URL(url).username !== '' || new URL(url).password !== '')
    problems.push({ field: 'webhook.url', description: 'must not carry credentials; sign with a secret instead' })
  if (timeoutSeconds < 0 || timeoutSeconds > MAX_TIMEOUT_S)
    problems.push({ field: 'webhook.timeout', description: `must be at most ${MAX_TIMEOUT_S} s` })
  return [...problems, ...tooLong('webhook.secret', secret)]
}

function mailProblems(to: readonly string[], subject: string): FieldViolation[] {
  const problems = tooLong('email.subject', subject)
  if (/[\r\n]/.test(subject)) problems.push({ field: 'email.subject', description: 'must be one line' })
  if (to.length === 0 || to.length > MAX_RECIPIENTS)
    problems.push({ field: 'email.to', description: `must have 1 to ${MAX_RECIPIENTS} addresses` })
  const bad = to.findIndex((address) => !/^[^\s@<>,;"]{1,64}@[^\s@<>,;"]{1,255}$/.test(address))
  if (bad >= 0) problems.push({ field: `email.to[${bad}]`, description: 'is no address' })
  return problems
}

/** MQTT 3.1.1 §4.7: no wildcards in a topic name, no U+0000. */
function isTopic(topic: string): boolean {
  return topic !== '' && topic.length <= 1024 && !/[+#]/.test(topic) && !topic.includes('\u0000')
}

function tooLong(field: string, text: string): FieldViolation[] {
  return text.length > MAX_TEXT ? [{ field, description: `must not be longer than ${MAX_TEXT} characters` }] : []
}
