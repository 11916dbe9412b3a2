/** C0, DEL and C1: on a terminal they are commands, and some of a message may be a guest's own words (C2). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g

/** Control characters as JSON writes them, `\u001b`, also those that JSON would leave alone. */
export const escapeControls = (text: string): string =>
  text.replace(CONTROL, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)

interface Record {
  readonly level: string
  readonly time: string
  readonly msg?: string
  readonly [field: string]: unknown
}

/** A line of JSON as a person reads it: `TIME LEVEL message field=value …`. */
export const textLine = (json: string): string => {
  const { level, time, msg = '', ...fields } = JSON.parse(json) as Record
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`)
  return escapeControls(`${time} ${level.padEnd(5)} ${msg}${rest.join('')}`)
}

const fieldText = (value: unknown): string =>
  typeof value === 'string' && /^[\w./:-]+$/.test(value) ? value : JSON.stringify(value)
