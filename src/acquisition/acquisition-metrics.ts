// Prometheus metrics of acquisition, by device.

import { collectedGauge, secondsHistogram, type Histogram, type Registry, type Sample } from '#kit/metrics.ts'

/** The histograms of one device; both take seconds. */
export interface DeviceMetrics {
  pollDuration(seconds: number): void
  pollLag(seconds: number): void
}

export class AcquisitionMetrics {
  readonly #duration: Histogram
  readonly #lag: Histogram

  /** @param up samples of telemetryx_device_up, asked for at each scrape. */
  constructor(registry: Registry, up: () => Iterable<Sample>) {
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
      collect: up,
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
