// Names in the data folder, beside those of the store and the API.

/** What detectors have learnt. */
export const LEARNT_FILE = 'learnt.bin'
/** Sensors that no configuration names. */
export const APPEARED_FILE = 'appeared-sensors.json'
/** Revisions of the configuration. */
export const REVISIONS_FOLDER = 'configuration'
export const REVISION_FILE = /^revision-(\d{6,15})\.json$/
