// Requests that go where they must not, and secrets that go with them.

import type { ThreatRow } from './row.ts'

export const networkThreats: readonly ThreatRow[] = [
  {
    id: 'NW-01',
    attack:
      'An image whose registry is a metadata service, an address in decimal or octal, or a name that resolves to such an address, perhaps only the second time (CVE-2025-14443).',
    outcome:
      'Refused before a connection is opened; the address that was checked is the one that is connected to. Private registries are allowed.',
  },
  {
    id: 'NW-02',
    attack:
      'A challenge that names a token service on plain HTTP, on an address, or on a foreign host, or asks for odd scopes (CVE-2026-33540).',
    outcome: 'No secret leaves; denied with the reason.',
  },
  {
    id: 'NW-03',
    attack: 'Redirects to another host, port or scheme, in circles, on manifests, blobs and tokens (CVE-2026-40895).',
    outcome: 'Credentials stay behind, https never becomes http, five hops at most, and each target passes the guard.',
  },
  {
    id: 'NW-04',
    attack: 'While signing, the registry sends the upload to a foreign host (CVE-2026-50151).',
    outcome: 'Refused; nothing is sent there.',
  },
  {
    id: 'NW-05',
    attack:
      'A registry or token service with a certificate that is self-signed, expired or for another name (CVE-2019-10214).',
    outcome: 'Fails closed; "insecure" is said of one host and never of all.',
  },
  {
    id: 'NW-06',
    attack:
      "A tenant asks for a private image that was verified with another tenant's credentials, or names the other's pull secret (CVE-2024-39897).",
    outcome:
      'What was read or proved under one set of credentials is used under another only after these have read the image. Pull secrets are read by name in the namespace of the object, where a RoleBinding there lets Sealward.',
  },
  {
    id: 'NW-07',
    attack: 'A registry or token service collects the token of the service account (CVE-2026-41323).',
    outcome:
      'No request carries anything but the credentials that are configured for its host; the token goes to the API server alone.',
  },
  {
    id: 'NW-08',
    attack:
      'An address inside a certificate, a key, a payload or an annotation that wants to be fetched (CVE-2026-24117).',
    outcome: 'It is not: only configured places and those that the guard lets pass are asked.',
    remains: 'Revocation lists and trust roots are fetched by formats that come later.',
  },
  {
    id: 'NW-09',
    attack:
      'Passwords and tokens turn up in logs, errors, metrics or answers: from the environment, the user part of an address, proxy settings, error bodies.',
    outcome: 'None of them is ever shown.',
    remains:
      'A secret that stands before a name without a path (word@nginx:1.25) cannot be told from a slip in an image name; the name inside a signature is shown as it was signed.',
  },
  {
    id: 'NW-10',
    attack: 'A Pod whose images lie on many names that no name server answers, so that no other name is looked up.',
    outcome:
      'Look-ups are bounded, in all and by domain; names in use go first, and keep their addresses meanwhile. Who waits for others is denied, also where a policy admits in an outage.',
    remains:
      'A registry that was not asked for within the hour waits with the names of a crowd; those of many domains can keep it waiting until they are given up.',
  },
  {
    id: 'NW-11',
    attack:
      'Pods whose images lie on many hosts that take connections and say nothing, so that no file descriptor is left for others.',
    outcome:
      'Connections are bounded over all hosts; what waits for its next request, and what is slow where most is, gives way. Who waits for others is denied, also where a policy admits in an outage.',
    remains:
      'Behind a proxy, connections that wait for their next request are bounded by host alone, and last for half a minute.',
  },
]
