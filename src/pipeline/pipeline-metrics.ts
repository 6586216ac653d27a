// Prometheus metrics of the pipeline, read from its counters at scrape time.

import type { AlarmBook } from '#alarms/register.ts'
import { collectedCounter, collectedGauge, type Registry } from '#kit/metrics.ts'
import type { Intake } from './intake.ts'
import type { SensorTable } from './sensor-table.ts'

export interface PipelineMetricsOptions {
  readonly registry: Registry
  readonly table: SensorTable
  readonly intake: Intake
  readonly alarms: AlarmBook
}

export function registerPipelineMetrics({ registry, table, intake, alarms }: PipelineMetricsOptions): void {
  collectedCounter({
    registry,
    name: 'telemetryx_readings_total',
    help: 'Readings taken from devices, by quality; those that the deadband held back included',
    labelNames: ['device', 'quality'],
    collect: () =>
      table.devices.flatMap((device) => {
        const [good = 0, uncertain = 0, bad = 0, reserved = 0] = table.countsOf(device)
        return [
          { labels: { device, quality: 'good' }, value: good },
          { labels: { device, quality: 'uncertain' }, value: uncertain },
          { labels: { device, quality: 'bad' }, value: bad + reserved },
        ]
      }),
  })
  collectedGauge({
    registry,
    name: 'telemetryx_alarms_active',
    help: 'Active alarms, acknowledged and shelved ones included',
    labelNames: ['severity'],
    collect: () => Object.entries(alarms.activeCounts()).map(([severity, value]) => ({ labels: { severity }, value })),
  })
  collectedCounter({
    registry,
    name: 'telemetryx_source_times_rejected_total',
    help: 'Source times left out because they were not set, or more than a day ahead',
    collect: () => [{ value: intake.rejectedTimes }],
  })
}
