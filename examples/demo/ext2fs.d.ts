/** What the demo uses of the ext2fs package, which brings no types of its own. */
declare module 'ext2fs' {
  export interface Disk {
    read(buffer: Uint8Array, bufferOffset: number, length: number, offset: number): Promise<unknown>
    write(buffer: Uint8Array, bufferOffset: number, length: number, offset: number): Promise<unknown>
    discard(offset: number, length: number): Promise<void>
    flush(): Promise<void>
  }

  export interface FileSystem {
    readonly promises: {
      readdir(path: string): Promise<string[]>
      stat(path: string): Promise<{ readonly size: number; isFile(): boolean }>
      readFile(path: string): Promise<Uint8Array>
      writeFile(path: string, data: Uint8Array): Promise<void>
    }
  }

  export function withMountedDisk<T>(disk: Disk, offset: number, body: (fs: FileSystem) => Promise<T>): Promise<T>
}
