// Prometheus metrics of acquisition, by device.

import {
  collectedCounter,
  collectedGauge,
  secondsHistogram,
  type Histogram,
  type Registry,
  type Sample,
} from '#kit/metrics.ts'

/** The histograms of one device; both take seconds. */
export interface DeviceMetrics {
  pollDuration(seconds: number): void
  pollLag(seconds: number): void
}

/** What is counted elsewhere. */
export interface CollectedSamples {
  readonly up: () => Iterable<Sample>
  readonly busBusy: () => Iterable<Sample>
  readonly deviceBusy: () => Iterable<Sample>
  readonly errors: () => Iterable<Sample>
}

export class AcquisitionMetrics {
  readonly #duration: Histogram
  readonly #lag: Histogram

  /** @param samples asked for at each scrape. */
  constructor(registry: Registry, samples: CollectedSamples) {
    this.#duration = secondsHistogram(registry, 'telemetryx_poll_duration_seconds', 'Time that a poll took', ['device'])
    this.#lag = secondsHistogram(
      registry,
      'telemetryx_poll_lag_seconds',
      'Time by which a poll of a healthy device began after its deadline, waiting for its bus included',
      ['device'],
    )
    collectedGauge({
      registry,
      name: 'telemetryx_device_up',
      help: '1 while the device answers, else 0',
      labelNames: ['device'],
      collect: samples.up,
    })
    collectedCounter({
      registry,
      name: 'telemetryx_bus_busy_seconds_total',
      help: 'Time that the wire was taken by polls and writes; its rate is the utilisation of the bus',
      labelNames: ['bus'],
      collect: samples.busBusy,
    })
    collectedCounter({
      registry,
      name: 'telemetryx_device_busy_seconds_total',
      help: 'Time that polls of the device and writes to it have taken its wire',
      labelNames: ['device'],
      collect: samples.deviceBusy,
    })
    collectedCounter({
      registry,
      name: 'telemetryx_device_errors_total',
      help: 'Errors of the device by kind',
      labelNames: ['device', 'kind'],
      collect: samples.errors,
    })
  }

  device(device: string): DeviceMetrics {
    const duration = this.#duration.labels({ device })
    const lag = this.#lag.labels({ device })
    return {
      pollDuration: (seconds) => duration.observe(seconds),
      pollLag: (seconds) => lag.observe(seconds),
    }
  }

  /** Forgets the device's series. */
  remove(device: string): void {
    this.#duration.remove({ device })
    this.#lag.remove({ device })
  }
}
