// Faults that nobody means.

import type { ThreatRow } from './row.ts'

export const faultThreats: readonly ThreatRow[] = [
  {
    id: 'FT-01',
    attack:
      'The registry is slow, resets connections, answers 429 with Retry-After or 5xx, stays half open, or has no name any more.',
    outcome: 'An answer with its reason before the deadline of the webhook; retries back off and are bounded.',
  },
  {
    id: 'FT-02',
    attack: 'A process is killed or told to stop under load.',
    outcome: 'No wrong answer; after SIGTERM every request that arrived is answered.',
    remains:
      'That nothing is sent to a replica that was killed is for the Service; the control plane of the tests has no network of services.',
  },
  {
    id: 'FT-03',
    attack:
      'The server starts without policies, or with policies that cannot be read; the API server is away, or says nothing any more.',
    outcome:
      'It does not serve before a set is loaded; a set that went bad later is said in the readiness answer, and one of which nothing was heard for too long is not ready.',
  },
  {
    id: 'FT-04',
    attack: 'The certificate of the webhook is renewed, or its authority changes, under load.',
    outcome: 'The new one is taken up without a failed handshake; a broken one leaves the old in place.',
  },
  {
    id: 'FT-05',
    attack: 'The clock jumps, forwards or back.',
    outcome: 'Deadlines go on by a monotonic clock; the life of a key is judged by the clock as it is now.',
  },
  {
    id: 'FT-06',
    attack: 'A flood of requests, a full disk, no file descriptors left, a read-only root.',
    outcome: 'What cannot be judged in time is denied; the process lives, and recovers within seconds.',
  },
  {
    id: 'FT-07',
    attack: 'The whole cluster restarts while the webhook is registered, and its own image is not signed.',
    outcome: 'Its namespace and those of the system are exempt, so that it can start; nothing of them is even sent.',
    remains: 'Nodes that come up again: the API server of the tests has none.',
  },
  {
    id: 'FT-08',
    attack: 'A thousand Pods of one new image at once; a thousand images of one registry.',
    outcome: 'One look at the registry and one verification for a digest; a bounded number of connections to a host.',
  },
]
