// The fixed times and counts of acquisition. What a user may choose stands in the configuration instead.

/** A connect or a subscription must be done within this; a driver's own time limits are shorter. */
export const CONNECT_DEADLINE_MS = 15_000
/** A poll of one group must be done within this, all its requests and their time limits included. */
export const POLL_DEADLINE_MS = 30_000
/** A write must be done within this, once it was sent; how long it may wait before, its sensor's rules say. */
export const WRITE_DEADLINE_MS = 5_000
export const CLOSE_DEADLINE_MS = 5_000
/** How long a driver may take to let go after an abort; then its device object is given up for a new one. */
export const ABORT_GRACE_MS = 1_000

/** Failed polls in a row after which a device is left alone, but for probes. */
export const BREAKER_FAILURES = 3
/** First delay of reconnects and probes; doubled with each failure. */
export const RETRY_FIRST_MS = 1_000
/** Longest delay for a device that shares its bus: each try costs its neighbours a time-out. */
export const RETRY_MAX_SHARED_MS = 60_000
/** Longest delay for a device that has its bus for itself. */
export const RETRY_MAX_ALONE_MS = 30_000
/** A device that was up for less than this keeps its place in the backoff, so that a flapping one is not retried each second. */
export const STABLE_MS = 5_000

/** Slots of an interval into which polls are spread: each occupied slot costs a wake-up of the CPU. */
export const SLOTS_PER_INTERVAL = 20
/** Slots are not narrower than this. */
export const MIN_SLOT_MS = 10
/** After a connect, a group whose next deadline is further off than this is polled within this time. */
export const CATCH_UP_MS = 1_000

/** A suspect device that waited this long for the bus gets its turn even if healthy ones are waiting. */
export const SUSPECT_PATIENCE_MS = 5_000
/** Writes that may wait for one bus. */
export const MAX_WAITING_WRITES = 64
/** Kinds of errors counted for one device; further ones count as `other`. */
export const MAX_ERROR_KINDS = 64
/** While the buffer is full, room is looked for this often. */
export const ROOM_CHECK_MS = 200
