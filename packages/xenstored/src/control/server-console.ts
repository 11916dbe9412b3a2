/** A file that a server logs to. */
export interface LogFile {
  /** Appends one line. */
  write(line: string): void
  close(): void
}

/** Where a server writes what it was told to write: the one thing that CONTROL needs of the system around it. */
export interface ServerConsole {
  /** One line for whoever runs the server: syslog, or the daemon's own log. */
  print(text: string): void
  /**
   * Opens a file to append to. A relative name begins where the daemon keeps its files.
   * @throws XenError with what the system said
   */
  openLog(name: string): LogFile
  /** Date and time as they are to stand in a log. */
  timestamp(): string
}
