// Topics of an mqtt uplink: the template filled in once for each sensor of a model, then looked up by number.

import type { Log } from '#domain/driver.ts'
import { idFromName } from '#domain/ids.ts'
import type { Model, Sensor, SensorNumber } from '#domain/sensor.ts'

export const DEFAULT_TOPIC = '{factory}/{machine}/{sensor}'
/** With json-batch. */
export const DEFAULT_BATCH_TOPIC = 'telemetryx/{gateway}/readings'

export interface TopicsOptions {
  readonly template: string
  readonly gateway: string
  /** Factory as written in the configuration; its id stands in topics. */
  readonly factory: string
  readonly log: Log
  /** True when messages say which sensor a reading is of. Default: two sensors on one topic are a slip, and told. */
  readonly mayShare?: boolean
}

export class Topics {
  readonly #options: TopicsOptions
  #model: Model | null = null
  #byNumber: (string | undefined)[] = []

  constructor(options: TopicsOptions) {
    this.#options = options
  }

  /** Topic of a sensor's readings; undefined when the model does not know it. */
  of(sensor: SensorNumber, model: Model): string | undefined {
    if (model !== this.#model) this.#learn(model)
    return this.#byNumber[sensor]
  }

  #learn(model: Model): void {
    const byNumber: (string | undefined)[] = []
    const sensorOf = new Map<string, string>()
    for (const sensor of model.retired ?? []) byNumber[sensor.number] = this.#fill(sensor)
    for (const sensor of model.sensors) {
      const topic = this.#fill(sensor)
      const other = sensorOf.get(topic)
      if (other !== undefined && this.#options.mayShare !== true) this.#warnOfCollision(topic, other, sensor.id)
      sensorOf.set(topic, sensor.id)
      byNumber[sensor.number] = topic
    }
    this.#byNumber = byNumber
    this.#model = model
  }

  #fill(sensor: Sensor): string {
    const { template, gateway, factory } = this.#options
    const words: Record<string, string> = {
      gateway,
      factory: idFromName(factory),
      machine: sensor.machine,
      device: sensor.device,
      sensor: sensor.name,
    }
    return template.replace(/\{([a-z]+)\}/g, (_whole, word: string) => topicLevel(words[word] ?? ''))
  }

  #warnOfCollision(topic: string, first: string, second: string): void {
    this.#options.log.warn(
      { topic, sensors: [first, second] },
      'Two sensors publish on one topic; add {device} to the template',
    )
  }
}

/** Topic of the gateway's retained state, also its will. */
export function stateTopic(gateway: string): string {
  return `telemetryx/${topicLevel(gateway)}/state`
}

/** Topic of the gateway's events. */
export function eventTopic(gateway: string): string {
  return `telemetryx/${topicLevel(gateway)}/event`
}

/** One level of a topic: what would be a separator, a wildcard or a control character becomes `_`. */
export function topicLevel(text: string): string {
  // eslint-disable-next-line no-control-regex -- NUL and control characters are what is looked for (MQTT 3.1.1 §1.5.3)
  return text.replace(/[+#/\u0000-\u001f\u007f-\u009f]/g, '_')
}
