import type { MemoryLevel, XenstoreServer } from '@split-driver/xenstored'
import type { Log } from '../logging/log.js'

const MEMORY_WORDS: Readonly<Record<MemoryLevel, string>> = {
  'above-soft': 'the domain takes more memory than its soft quota',
  'above-hard': 'the domain has reached its quota of memory: what it asks for more is refused',
  'below-hard': 'the domain takes less than its quota of memory again',
  'below-soft': 'the domain takes less memory than its soft quota again',
}

/** Says what befalls each domain, one line each. */
export const logXenstored = (server: XenstoreServer, log: Log): void => {
  server.on('introduced', (domid) => log.info({ event: 'introduced', domid }, 'the domain is served'))
  server.on('released', (domid) => log.info({ event: 'released', domid }, 'the domain is served no more'))
  server.on('broken', (domid, ringError) =>
    log.warn({ event: 'broken', domid, ringError }, 'the domain broke the rules of its ring: it is served no more'),
  )
  server.on('memory', (domid, level) => log.warn({ event: 'memory', domid, memory: level }, MEMORY_WORDS[level]))
}
