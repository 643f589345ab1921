// Attacks by those who may create objects in the cluster.

import type { ThreatRow } from './row.ts'

export const admissionThreats: readonly ThreatRow[] = [
  {
    id: 'AD-01',
    attack:
      'The unsigned image hides in an init container, a sidecar (a restartable init container) or an ephemeral one.',
    outcome: 'Denied, and the field that holds it is named.',
  },
  {
    id: 'AD-02',
    attack: 'An ephemeral container with an unsigned image is added to a running Pod through its subresource.',
    outcome: 'An UPDATE of `pods/ephemeralcontainers` is judged like any other, and denied.',
    remains: 'That the rendered webhook registration lists the subresource is tested with the registration.',
  },
  {
    id: 'AD-03',
    attack: 'The unsigned image is mounted as an image volume, in a Pod or in a pod template.',
    outcome: 'Denied; a signed one is pinned to its digest.',
  },
  {
    id: 'AD-04',
    attack:
      'The images come in another kind of workload, another version of it, a custom resource with a pod template, or a kind that nobody knows.',
    outcome:
      'Every pod specification that can be found is judged; Pods always are; what is let pass unjudged is counted.',
  },
  {
    id: 'AD-05',
    attack:
      'An UPDATE swaps images between containers, renames a container or adds one, so that "unchanged" looks true.',
    outcome: 'Every pair of container and image that is new gets judged.',
  },
  {
    id: 'AD-06',
    attack: 'A new or living object carries a deletion timestamp, so that it looks as if it were on its way out.',
    outcome: 'It is judged all the same: only the old object decides what an UPDATE has left unchanged.',
  },
  {
    id: 'AD-07',
    attack: 'A Pod claims an owner that was admitted before.',
    outcome: 'Owner references grant nothing; the Pod is judged in full.',
  },
  {
    id: 'AD-08',
    attack: 'The submitter sets an annotation or a label that asks for an exemption or says "verified".',
    outcome: 'Ignored: nothing that a submitter can set grants trust.',
  },
  {
    id: 'AD-09',
    attack: "A tenant writes a policy of its own into its namespace to loosen the cluster's, or two policies overlap.",
    outcome: 'A namespaced policy can only add demands, and the strictest of all that match wins.',
    remains: 'Exception objects, with their own permission and approval, come with the cluster.',
  },
  {
    id: 'AD-10',
    attack:
      'The labels of the namespace cannot be read, or a tenant has removed the label by which the policy selects.',
    outcome:
      'A policy whose selection cannot be told counts as one that applies and denies; a namespace can be selected by its name.',
  },
  {
    id: 'AD-11',
    attack: 'An unsigned Pod is put into a system namespace, or into the one of the product itself.',
    outcome:
      'Only the namespaces that are documented as exempt are, only by their whole name, and a policy that names one takes it back in.',
    remains:
      'Whoever may create Pods in the namespace of Sealward is not held up by it: the namespace is exempt as a whole.',
  },
  {
    id: 'AD-12',
    attack: 'A user forges the annotation by which the kubelet marks mirror Pods.',
    outcome: 'It is judged like every Pod.',
    remains:
      'A true one is judged, too: the kubelet runs a static Pod whatever becomes of its mirror, so that only what `kubectl` shows is missing.',
  },
  {
    id: 'AD-13',
    attack: 'A later webhook injects an unsigned sidecar, or rewrites an image after it has been pinned.',
    outcome: 'Validation judges the object as it arrives and denies; pinning again what is pinned changes nothing.',
  },
  {
    id: 'AD-14',
    attack: 'An answer that the API server would reject or misread, so that its failure policy decides.',
    outcome: 'The uid comes back in the version that asked; a patch comes with its type, and never from validation.',
  },
  {
    id: 'AD-15',
    attack: 'A review that is null, cut off, no JSON, of wrong types, without a uid, or with two members `image`.',
    outcome: 'Refused as a bad request or denied, never allowed; the next request is served.',
  },
  {
    id: 'AD-16',
    attack:
      'Reviews of 8 and 64 MiB, endless chunked bodies, headers or bodies byte by byte, thousands of containers, answers that nobody takes.',
    outcome: 'Refused at the cap, memory stays flat, and others are served meanwhile.',
  },
  {
    id: 'AD-17',
    attack: 'A dry run causes a write somewhere.',
    outcome: 'Nothing is written outside: judging only reads. A record of it, where records are kept, is marked.',
  },
]
