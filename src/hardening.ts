// Imported first by the program and by its workers: takes away what an attack on this process would build on, and what
// nothing here needs. A defect of a reader can then not change what every object inherits, and a text that came from
// outside can never become code.

/**
 * Frozen: nothing can be added to them, removed or replaced. Assigning to an object of ours works as before, unless its
 * member has the name of a frozen one: then it throws, and the tests would show it.
 */
const frozen: readonly object[] = [
  Array.prototype,
  String.prototype,
  Number.prototype,
  Boolean.prototype,
  BigInt.prototype,
  Symbol.prototype,
  Date.prototype,
  Map.prototype,
  Set.prototype,
  WeakMap.prototype,
  WeakSet.prototype,
  Promise.prototype,
  ArrayBuffer.prototype,
  Object.getPrototypeOf(Uint8Array.prototype),
  Uint8Array.prototype,
  JSON,
  Math,
  Reflect,
]

/**
 * Nothing can be added; what is there can be overridden in derived objects. Freezing them would forbid libraries to
 * give an error its `name` and a class its `toString`. `RegExp.prototype` is in neither list: the engine matches five
 * times as slowly once it has been touched.
 */
const closed: readonly object[] = [Object.prototype, Function.prototype, Error.prototype]

/** `Function('…')`, and the constructors that only a function's prototype leads to. */
const makers: readonly object[] = [
  Function.prototype,
  Object.getPrototypeOf(async () => {}),
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async function* () {}),
]

function refuse(): never {
  throw new EvalError('code is never made from text in this program')
}

/** `instanceof Function` holds as before; only making one from text does not. */
function withoutMaking(maker: object): object {
  return new Proxy(maker, { apply: refuse, construct: refuse })
}

function harden(): void {
  for (const prototype of makers) {
    Object.defineProperty(prototype, 'constructor', { value: withoutMaking(prototype.constructor) })
  }
  Object.defineProperty(globalThis, 'Function', { value: Function.prototype.constructor })
  Object.defineProperty(globalThis, 'eval', { value: refuse })
  // `object.__proto__ = …` of a foreign key; the literal `{ __proto__: null }` is syntax and stays.
  Reflect.deleteProperty(Object.prototype, '__proto__')
  for (const each of frozen) Object.freeze(each)
  for (const each of closed) Object.preventExtensions(each)
}

harden()
