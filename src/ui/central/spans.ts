// How far back a list goes.

const HOUR_MS = 3_600_000

export const SPANS = [
  { key: '1h', text: 'Last hour', ms: HOUR_MS },
  { key: '8h', text: 'Last 8 hours', ms: 8 * HOUR_MS },
  { key: '24h', text: 'Last 24 hours', ms: 24 * HOUR_MS },
  { key: '7d', text: 'Last 7 days', ms: 168 * HOUR_MS },
  { key: '30d', text: 'Last 30 days', ms: 720 * HOUR_MS },
] as const
