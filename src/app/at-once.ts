// Work that mostly is done at once: a value where nothing had to be awaited, else a promise of one. What memory answers,
// it answers without a turn of the promise queue, a deadline or a listener.

export type AtOnce<T> = T | Promise<T>

/** @returns what `use` makes of the value: at once, if the value is there */
export function andThen<T, U>(given: AtOnce<T>, use: (value: T) => AtOnce<U>): AtOnce<U> {
  return given instanceof Promise ? given.then(use) : use(given)
}
