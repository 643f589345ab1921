// The objects of the fake API server: versions, history, and what of it is forgotten. As much of etcd as following needs.

export interface Given {
  readonly [member: string]: unknown
  readonly metadata: { readonly [member: string]: unknown; readonly name: string }
}

export interface Stored extends Given {
  readonly metadata: Given['metadata'] & { readonly uid: string; readonly resourceVersion: string }
}

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  /** Where the object is written: `/api/v1/namespaces/a/secrets`. */
  readonly collection: string
  readonly object: Stored
}

interface Entry {
  readonly collection: string
  readonly object: Stored
}

export class FakeObjects {
  readonly #onChange: (change: Change) => void
  readonly #entries = new Map<string, Entry>()
  readonly #lists = new Map<number, readonly Entry[]>()
  #history: Change[] = []
  #version = 1_000
  #forgotten = 999

  constructor(onChange: (change: Change) => void) {
    this.#onChange = onChange
  }

  get version(): number {
    return this.#version
  }

  isForgotten(version: number): boolean {
    return version <= this.#forgotten
  }

  /** Nothing from before is known any more: no watch and no list goes on from there. */
  forget(): void {
    this.#forgotten = this.#version
    this.#version += 1
    this.#history = []
    this.#lists.clear()
  }

  get(collection: string, name: string): Stored | undefined {
    return this.#entries.get(`${collection}/${name}`)?.object
  }

  put(collection: string, given: Given): Stored {
    const before = this.get(collection, given.metadata.name)
    const version = ++this.#version
    const uid = before?.metadata.uid ?? `uid-${version}`
    const namespace = /\/namespaces\/([^/]+)\//.exec(collection)?.[1]
    const own = { uid, resourceVersion: `${version}`, ...(namespace !== undefined && { namespace }) }
    const object = { ...given, metadata: { ...given.metadata, ...own } }
    this.#entries.set(`${collection}/${given.metadata.name}`, { collection, object })
    this.#tell({ type: before === undefined ? 'ADDED' : 'MODIFIED', version, collection, object })
    return object
  }

  remove(collection: string, name: string): Stored | undefined {
    const before = this.get(collection, name)
    if (before === undefined) return undefined
    this.#entries.delete(`${collection}/${name}`)
    const version = ++this.#version
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: `${version}` } }
    this.#tell({ type: 'DELETED', version, collection, object })
    return object
  }

  /** In the order of names. @param version of now, or of a list that has begun */
  listAt(version: number, asked: string): readonly Stored[] {
    const all = this.#lists.get(version) ?? [...this.#entries.values()]
    this.#lists.set(version, all)
    return all
      .filter(({ collection }) => isIn(asked, collection))
      .map(({ object }) => object)
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  }

  since(version: number): readonly Change[] {
    return this.#history.filter((change) => change.version > version)
  }

  #tell(change: Change): void {
    this.#history.push(change)
    this.#onChange(change)
  }
}

/** Also what is asked for in all namespaces. */
export function isIn(asked: string, collection: string): boolean {
  return asked === collection || asked === collection.replace(/\/namespaces\/[^/]+\//, '/')
}
