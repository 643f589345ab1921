// A toy for test/scripts/mutate.test.ts: code that no test comes by.

export function unseen(): boolean {
  return true
}
