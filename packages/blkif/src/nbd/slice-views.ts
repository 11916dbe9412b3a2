/** The part of `views`, taken as one after the other, that begins at `from` and has `length` bytes; no copy. */
export const sliceViews = (views: readonly Uint8Array[], from: number, length: number): Uint8Array[] => {
  const slices: Uint8Array[] = []
  let skip = from
  let left = length
  for (let i = 0; i < views.length && left > 0; i++) {
    const view = views[i]!
    if (skip < view.length) {
      const slice = view.subarray(skip, skip + Math.min(left, view.length - skip))
      slices.push(slice)
      left -= slice.length
      skip = 0
    } else skip -= view.length
  }
  return slices
}
