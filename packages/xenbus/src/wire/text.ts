const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Text to bytes, and bytes as they are. */
export const toBytes = (value: string | Uint8Array): Uint8Array =>
  typeof value === 'string' ? encoder.encode(value) : value

/** Bytes as text; what is not UTF-8 becomes U+FFFD, which no path and no number contains. */
export const toText = (bytes: Uint8Array): string => decoder.decode(bytes)
