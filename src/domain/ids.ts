// Identifiers of the model: what an id may look like, and how a display name becomes one.

/** Pattern of one id. A sensor's full id is `device.sensor`. */
export const ID_PATTERN = '^[a-z0-9][a-z0-9_-]*$'

const ID = new RegExp(ID_PATTERN)

/** True when `text` is a valid id of a gateway, device, sensor, uplink, machine or factory. */
export function isId(text: string): boolean {
  return ID.test(text)
}

/** Full id of a sensor: `device.sensor`. */
export function sensorId(device: string, sensor: string): string {
  return `${device}.${sensor}`
}

/** Id derived from a display name: `Press 1` → `press-1`. Falls back to `unnamed` when no letter or digit is left. */
export function idFromName(name: string): string {
  const id = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
  return id === '' ? 'unnamed' : id
}
