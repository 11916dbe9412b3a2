export const BLOCK_BYTES = 4096

/** A block that tells which one it is. */
export const numberedBlock = (number: number): Uint8Array => Buffer.alloc(BLOCK_BYTES, `block ${number}\n`)
