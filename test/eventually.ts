// How long tests wait for what must become true: long enough for a machine on which much else runs. A test that passes waits no
// longer than it takes.

export const EVENTUALLY = { timeout: 60_000, interval: 20 } as const
