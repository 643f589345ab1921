// A toy for test/scripts/mutate.test.ts: code with tests that notice some of its mutants, and not others.

export function admit(age: number): string {
  if (age < 0) throw new Error('no such age')
  return age >= 18 ? 'in' : 'out'
}

export function countdown(from: number): number {
  let steps = 0
  for (let left = from; left > 0; left -= 1) steps += 1
  return steps
}

/** Made when the module is loaded: whoever wants to see a mutant of it has to load it anew. */
export const doors: readonly string[] = ['front', 'back']
