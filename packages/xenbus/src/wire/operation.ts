/**
 * What a message asks for or answers; 20 was RESTRICT, which is gone. From GetFeature on only newer servers know them.
 * @see xen/include/public/io/xs_wire.h enum xsd_sockmsg_type
 * @see docs/misc/xenstore.txt for 23 to 26 (rule 56)
 */
export const XenStoreOp = {
  Control: 0,
  Directory: 1,
  Read: 2,
  GetPerms: 3,
  Watch: 4,
  Unwatch: 5,
  TransactionStart: 6,
  TransactionEnd: 7,
  Introduce: 8,
  Release: 9,
  GetDomainPath: 10,
  Write: 11,
  Mkdir: 12,
  Rm: 13,
  SetPerms: 14,
  WatchEvent: 15,
  Error: 16,
  IsDomainIntroduced: 17,
  Resume: 18,
  SetTarget: 19,
  ResetWatches: 21,
  DirectoryPart: 22,
  GetFeature: 23,
  SetFeature: 24,
  GetQuota: 25,
  SetQuota: 26,
  /** Guaranteed never to become a type. */
  Invalid: 0xffff,
} as const

export type XenStoreOp = (typeof XenStoreOp)[keyof typeof XenStoreOp]
