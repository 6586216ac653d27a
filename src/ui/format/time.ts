// Times and durations as text. Clock times are in the time zone of the person who looks.

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 86_400_000

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const full = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
})

/** `14:05:09` */
export function formatClock(time: number): string {
  return clock.format(time)
}

/** `14:05:09` today, `3 Nov 14:05:09` on another day. */
export function formatMoment(time: number, now: number): string {
  const isToday = new Date(time).toDateString() === new Date(now).toDateString()
  return isToday ? clock.format(time) : `${dayMonth.format(time)} ${clock.format(time)}`
}

/** `Sat, 21 Nov 2026, 14:05:09` */
export function formatFull(time: number): string {
  return full.format(time)
}

/** Milliseconds to the second: `21 Nov 14:05:09.250` is for one reading's exact time. */
export function formatExactTime(time: number): string {
  return `${dayMonth.format(time)} ${clock.format(time)}.${String(Math.floor(time) % 1000).padStart(3, '0')}`
}

/** `14:05:09.250` */
export function formatExactClock(time: number): string {
  return `${clock.format(time)}.${String(Math.floor(time) % 1000).padStart(3, '0')}`
}

/** How long: `4 s`, `3 min`, `2 h 5 min`, `3 d`. Negative durations are 0. */
export function formatDuration(ms: number): string {
  const span = Math.max(0, ms)
  if (span < MINUTE) return `${Math.floor(span / 1000)} s`
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`
  if (span < DAY) return withRest(Math.floor(span / HOUR), 'h', Math.floor((span % HOUR) / MINUTE), 'min')
  return withRest(Math.floor(span / DAY), 'd', Math.floor((span % DAY) / HOUR), 'h')
}

/** `4 s ago`; `now` below one second. */
export function formatAge(ms: number): string {
  return ms < 1000 ? 'now' : `${formatDuration(ms)} ago`
}

/** Milliseconds of a measurement: `0.42 ms`, `12 ms`, `1.2 s`. */
export function formatMilliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  return `${ms >= 10 ? Math.round(ms) : ms.toFixed(ms >= 1 ? 1 : 2)} ms`
}

function withRest(count: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${restUnit}`
}

/** For an input of the type datetime-local: `2026-11-21T14:05:09`, in the time zone of the person who looks. */
export function toLocalInput(time: number): string {
  const date = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** Unix milliseconds; null when it is not a whole time. */
export function fromLocalInput(text: string): number | null {
  const time = text === '' ? Number.NaN : new Date(text).getTime()
  return Number.isNaN(time) ? null : time
}
