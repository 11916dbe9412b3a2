export type { GrantCopyEnd, GrantMapper, Mapping } from './grant-mapper.js'
export type { GrantAccess, GrantSharer, SharedPages } from './grant-sharer.js'
