// Bounds the requests that are judged at once, by number and by the bytes that they take. Nobody queues here: a request
// that memory answers is gone at once, and who waits for a registry waits in the engine, which asks each in turn. When
// there are too many, somebody of those who take most is told so.
//
// What somebody takes is places times the time that they have been held, not the number of places: the webhook does not
// know who asks, so whoever reaches it may name another namespace with every request, and then each of them would look
// smaller than an honest namespace that has two. But to keep places from others they must be held, and honest requests
// leave within a second or so.
//
// Compared are peers first (the one thing that a sender cannot write into its review), then namespaces of that peer, then
// registries. An API server is one peer with a hundred connections, and must not lose by that: it comes out as the one
// that takes most only if its own requests hold more place-time than those of any other, and then one of the namespace
// and registries that hold it goes, as it would if the API server were alone. Where all come from one address, behind a
// proxy, the peer says nothing and the rest decides.

/** What a request has in common with those that it competes with. */
export interface Flow {
  /** The address that the request came from. */
  readonly peer: string
  /** The tenant, if the peer is an API server. */
  readonly namespace: string
  /** The registries of its images. */
  readonly hosts: string
}

export interface Guest {
  /** Asked for only when there is a crowd. */
  flow(): Flow
  /** What judging it takes, about; 0 for what is small. */
  readonly bytes: number
  /** Ends its judging: somebody else gets the place. */
  end(): void
}

export interface Place {
  leave(): void
}

export interface Gate {
  /** `undefined`: too many are here already. */
  enter(guest: Guest): Place | undefined
  readonly inside: number
}

export interface GateLimits {
  /** Requests judged at once. */
  readonly judged: number
  /** Bytes that they take. */
  readonly judgedBytes: number
  /** Above the bounds, a newcomer has so long to be answered from memory before one has to go. */
  readonly momentMs: number
}

/** Newcomers that are given a moment, as a share of all: they hold memory, too. */
const trialShare = 0.25

/** With those on trial, as a multiple of the bytes that all may take: room for one of the heaviest, and a few more. */
const heaviestTrial = 2

interface Resident extends Place {
  readonly guest: Guest
  readonly since: number
  knownFlow: Flow | undefined
  /** While on trial. */
  timer: NodeJS.Timeout | undefined
}

/** @param clock milliseconds that only ever grow */
export function createGate(limits: GateLimits, clock: () => number = () => performance.now()): Gate {
  /** In the order of arrival; those on trial among them. */
  const residents = new Set<Resident>()
  let bytes = 0
  let trials = 0

  const isCrowded = () => residents.size > limits.judged || bytes > limits.judgedBytes

  function endTrial(resident: Resident): void {
    if (resident.timer === undefined) return
    clearTimeout(resident.timer)
    resident.timer = undefined
    trials--
  }

  function remove(resident: Resident): void {
    endTrial(resident)
    if (residents.delete(resident)) bytes -= resident.guest.bytes
  }

  /** The newcomer has had its moment: others have gone meanwhile, or one goes now. */
  function makeRoom(newcomer: Resident): void {
    endTrial(newcomer)
    if (!isCrowded()) return
    const now = clock()
    const isHeavy = bytes > limits.judgedBytes
    const weight = ({ guest, since }: Resident) => (isHeavy ? guest.bytes : 1) * (1 + now - since)
    const leaving = whoGoes([...residents], newcomer, weight)
    remove(leaving)
    leaving.guest.end()
  }

  return {
    enter(guest) {
      const isHeavy = guest.bytes > 0
      const isFull = residents.size >= limits.judged || (isHeavy && bytes + guest.bytes > limits.judgedBytes)
      if (isFull && trials >= limits.judged * trialShare) return undefined
      if (isHeavy && bytes + guest.bytes > limits.judgedBytes * heaviestTrial) return undefined
      const leave = () => remove(resident)
      const resident: Resident = { guest, since: clock(), knownFlow: undefined, timer: undefined, leave }
      residents.add(resident)
      bytes += guest.bytes
      if (isFull) {
        trials++
        resident.timer = setTimeout(makeRoom, limits.momentMs, resident)
      }
      return resident
    },
    get inside() {
      return residents.size
    },
  }
}

/**
 * The oldest of the largest group: of the peer that takes most, the namespace that takes most, and of that, those that
 * wait for the same registries. The newcomer itself where it belongs to that group: turning away costs less than what
 * has been begun.
 */
function whoGoes(residents: readonly Resident[], newcomer: Resident, weight: (each: Resident) => number): Resident {
  const ofPeer = largest(residents, newcomer, (each) => flowOf(each).peer, weight)
  const ofNamespace = largest(ofPeer, newcomer, (each) => flowOf(each).namespace, weight)
  const group = largest(ofNamespace, newcomer, (each) => flowOf(each).hosts, weight)
  if (group.includes(newcomer)) return newcomer
  return group.find((each) => weight(each) > 0) ?? newcomer
}

/** Those of the name that weighs most; of names that weigh the same, the newcomer's. */
function largest(
  some: readonly Resident[],
  newcomer: Resident,
  nameOf: (each: Resident) => string,
  weight: (each: Resident) => number,
): readonly Resident[] {
  const groups = new Map<string, { readonly members: Resident[]; weight: number }>()
  for (const each of some) {
    const group = groups.get(nameOf(each)) ?? { members: [], weight: 0 }
    group.members.push(each)
    group.weight += weight(each)
    groups.set(nameOf(each), group)
  }
  let heaviest = groups.get(nameOf(newcomer)) ?? { members: [newcomer], weight: 0 }
  for (const group of groups.values()) if (group.weight > heaviest.weight) heaviest = group
  return heaviest.members
}

function flowOf(resident: Resident): Flow {
  resident.knownFlow ??= resident.guest.flow()
  return resident.knownFlow
}
