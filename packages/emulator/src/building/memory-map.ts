/** Where the builder puts things in a domain's own memory, in pages; what follows is free. */
export const memoryMap = { startInfo: 0, store: 1, console: 2, firstFree: 3 } as const
