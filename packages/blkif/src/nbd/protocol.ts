/**
 * The numbers of the NBD protocol; all go big-endian.
 * @see https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
 */

/** Both halves of the 64-bit magic numbers. */
export const NBD_MAGIC = [0x4e42444d, 0x41474943] as const
export const OPTION_MAGIC = [0x49484156, 0x454f5054] as const
export const OLDSTYLE_MAGIC = [0x00004202, 0x81861253] as const
export const OPTION_REPLY_MAGIC = [0x0003e889, 0x045565a9] as const

export const REQUEST_MAGIC = 0x25609513
export const SIMPLE_REPLY_MAGIC = 0x67446698
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef

/** NBD_FLAG_*, of the handshake; the client's answers have the same bits. */
export const HandshakeFlag = { FixedNewstyle: 1 << 0, NoZeroes: 1 << 1 } as const

/** NBD_OPT_* */
export const NbdOption = { ExportName: 1, Abort: 2, StartTls: 5, Info: 6, Go: 7, StructuredReply: 8 } as const
export type NbdOption = (typeof NbdOption)[keyof typeof NbdOption]

/** NBD_REP_*; errors have the highest bit. */
export const OptionReply = {
  Ack: 1,
  Info: 3,
  Unsupported: 0x80000001,
  Policy: 0x80000002,
  Invalid: 0x80000003,
  Platform: 0x80000004,
  TlsRequired: 0x80000005,
  Unknown: 0x80000006,
  Shutdown: 0x80000007,
  BlockSizeRequired: 0x80000008,
  TooBig: 0x80000009,
} as const

/** NBD_INFO_* */
export const NbdInfo = { Export: 0, BlockSize: 3 } as const

/** NBD_FLAG_*, of an export. */
export const ExportFlag = {
  ReadOnly: 1 << 1,
  Flush: 1 << 2,
  ForceUnitAccess: 1 << 3,
  Trim: 1 << 5,
  WriteZeroes: 1 << 6,
} as const

/** NBD_CMD_* */
export const NbdCommand = { Read: 0, Write: 1, Disconnect: 2, Flush: 3, Trim: 4, WriteZeroes: 6 } as const
export type NbdCommand = (typeof NbdCommand)[keyof typeof NbdCommand]

/** NBD_CMD_FLAG_* */
export const CommandFlag = { ForceUnitAccess: 1 << 0, NoHole: 1 << 1 } as const

/** NBD_REPLY_TYPE_*; errors have bit 15. */
export const ChunkType = { None: 0, OffsetData: 1, OffsetHole: 2, ErrorBit: 1 << 15 } as const

export const CHUNK_DONE = 1

/** NBD_ESHUTDOWN */
export const SHUTDOWN_ERROR = 108

/** Names, descriptions and messages have at most so many bytes. */
export const MAX_STRING_BYTES = 4096

/** What a request or a reply may carry where the server has not said. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 2 ** 25
