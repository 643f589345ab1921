// Every bound of the server, each with its reason. Tests shrink them; an operator may be given some of them.

export interface ServerLimits {
  /**
   * An object may be 3 MiB on its way into the API server, and an UPDATE carries the old one, too; controller-runtime
   * allows 7 MiB.
   */
  readonly bodyBytes: number
  /** Bodies being read, all together: four of the largest. Above it, the one that comes slowest is refused. */
  readonly bodiesBytes: number
  /**
   * What is no larger is let in whatever all take together: a few strangers who send much must not shut out every Pod. On
   * every connection at once it is twice that again.
   */
  readonly smallBodyBytes: number
  /** Kubernetes objects stay below 40; a CustomResourceDefinition's schema is the deepest. Nothing here recurses by much. */
  readonly jsonDepth: number
  /**
   * Judged at once; nearly all of them wait for registries, which the engine asks in turn. An API server has 200 mutating
   * requests in flight: this is for nearly four. With a quarter more on trial it leaves connections free for health.
   */
  readonly judged: number
  /** Of larger bodies and of many images, while they are judged: what is parsed takes several times its bytes. */
  readonly judgedBytes: number
  /** Memory answers within a few milliseconds; who has had no answer after this waits for a registry. */
  readonly momentMs: number
  /** An API server has 200 mutating requests in flight; this is for five of them. Half of the usual 1,024 files would be less. */
  readonly connections: number
  /**
   * Unanswered requests on one connection. The API server sends none ahead; more would be one sender taking every place.
   * One more is told so; who sends twice as many reads no answers, and its connection is closed.
   */
  readonly pipelined: number
  /** An answer fits into what the kernels on its way buffer, and the API server reads at once: who does not holds a place. */
  readonly unreadMs: number
  /** The API server closes its idle connections after 90 s. Whoever closes first while a request is on its way loses it. */
  readonly keepAliveMs: number
  /** The API server sends headers and body in one go; a sender that trickles holds a connection no longer than this. */
  readonly headersMs: number
  readonly bodyMs: number
  readonly handshakeMs: number
  /** A denial from a handler that was cut off is better than ours; this long we wait for it. */
  readonly cutOffGraceMs: number
  /** A handler that was told to stop does so within milliseconds; one that has not after this never will: a defect. */
  readonly hungMs: number
  /** Draining: how long idle connections stay, so that a request already on its way is still answered. */
  readonly lingerMs: number
  /** Draining, in all. Kubernetes gives 30 s before it kills. */
  readonly drainMs: number
  /** How often certificate files are looked at. A secret volume changes within a minute or so anyway. */
  readonly reloadMs: number
}

export const defaultLimits: ServerLimits = {
  bodyBytes: 8 * 1024 * 1024,
  bodiesBytes: 32 * 1024 * 1024,
  smallBodyBytes: 64 * 1024,
  jsonDepth: 256,
  judged: 768,
  judgedBytes: 32 * 1024 * 1024,
  momentMs: 50,
  connections: 1_000,
  pipelined: 8,
  unreadMs: 5_000,
  keepAliveMs: 95_000,
  headersMs: 5_000,
  bodyMs: 10_000,
  handshakeMs: 5_000,
  cutOffGraceMs: 250,
  hungMs: 30_000,
  lingerMs: 1_500,
  drainMs: 10_000,
  reloadMs: 2_000,
}

/** A heap of 1 GiB has room for all of that at once: what is parsed takes up to ten times its bytes. */
const roomyHeapBytes = 1_024 * 1024 * 1024

/** 256 connections to registries, and what is open anyway: the store, the log, sources that are loaded late. */
const otherFiles = 320
/** Fewer would be too few for an API server. */
const fewestConnections = 64

export interface Resources {
  /** How far the heap may grow. */
  readonly heapBytes: number
  /** May be infinite. */
  readonly openFiles: number
}

/**
 * In a small container Node takes half of the memory for its heap, and ends the process where that does not do: what is
 * read and judged at once is less then, though never less than two of the largest bodies, and one. Where few files may be
 * open, fewer connections are taken: if senders could use the files up, no name of a registry would be found.
 */
export function limitsFor({ heapBytes, openFiles }: Resources): ServerLimits {
  const { bodyBytes, bodiesBytes, judgedBytes, connections, judged } = defaultLimits
  const share = Math.min(heapBytes / roomyHeapBytes, 1)
  const taken = Math.max(Math.min(openFiles - otherFiles, connections), fewestConnections)
  return {
    ...defaultLimits,
    bodiesBytes: Math.max(bodiesBytes * share, 2 * bodyBytes),
    judgedBytes: Math.max(judgedBytes * share, bodyBytes),
    connections: taken,
    judged: Math.floor((judged * taken) / connections),
  }
}
