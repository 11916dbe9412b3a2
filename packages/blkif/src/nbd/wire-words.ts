export const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

/** Exact up to 2⁵³ − 1; what is more comes out as no safe integer. */
export const u64 = (words: DataView, at: number): number => words.getUint32(at) * 2 ** 32 + words.getUint32(at + 4)

/** @param value a safe integer */
export const putU64 = (words: DataView, at: number, value: number): void => {
  words.setUint32(at, Math.floor(value / 2 ** 32))
  words.setUint32(at + 4, value >>> 0)
}

export const isMagic = (words: DataView, [high, low]: readonly [number, number]): boolean =>
  words.getUint32(0) === high && words.getUint32(4) === low

export const putMagic = (words: DataView, [high, low]: readonly [number, number]): void => {
  words.setUint32(0, high)
  words.setUint32(4, low)
}

/** Eight bytes at most: as text if they are some, else in hexadecimal digits. */
export const shownBytes = ({ buffer, byteOffset, byteLength }: DataView): string => {
  const bytes = [...new Uint8Array(buffer, byteOffset, Math.min(byteLength, 8))]
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return JSON.stringify(String.fromCharCode(...bytes))
  return `0x${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
