/** The bytes of all of them together. */
export const totalBytes = (views: readonly Uint8Array[]): number => {
  let total = 0
  for (let i = 0; i < views.length; i++) total += views[i]!.length
  return total
}

/** The views of the bytes from `start` to `end` of what `views` hold one after the other. */
export const sliceViews = (views: readonly Uint8Array[], start: number, end: number): Uint8Array[] => {
  const slice: Uint8Array[] = []
  let at = 0
  for (const view of views) {
    const from = Math.max(0, start - at)
    const to = Math.min(view.length, end - at)
    if (from < to) slice.push(from === 0 && to === view.length ? view : view.subarray(from, to))
    at += view.length
    if (at >= end) break
  }
  return slice
}
