// A field as it stands in a frame.

/** undefined when the frame has no such field. Text except in JSON. */
export type RawField = string | number | boolean | null | undefined
