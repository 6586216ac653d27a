// Patterns of full sensor ids, as `include` and `exclude` of an uplink take them.

/** `*` stands for any characters (the dot included), `?` for one: `press-*.*` matches `press-1.oil-temperature`. */
export function sensorPattern(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's')
}
