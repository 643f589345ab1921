// The rows of the table of codes, grouped by kind; `errors.ts` says what the kinds mean.

import type { ErrorRow } from './errors.ts'

const untrusted = {
  'signature-missing': {
    kind: 'untrusted',
    meaning: 'Everything was read, and nobody has signed this image.',
    next: 'Sign the image with a key that the policy trusts.',
  },
  'signature-by-stranger': {
    kind: 'untrusted',
    meaning: 'The image is signed, but by nobody whom the policy asks for.',
    next: 'Sign the image with a key that the policy trusts, or add the signer to the policy.',
  },
  'signature-invalid': {
    kind: 'untrusted',
    meaning: 'Signatures were found, but none of them is well formed and made for this image.',
    next: 'Sign the image again; the explanation names the check that each signature failed.',
  },
  'annotation-mismatch': {
    kind: 'untrusted',
    meaning: 'A trusted key signed the image, but without the annotations that the policy asks for.',
    next: 'Sign the image again with the required annotations.',
  },
  'identity-mismatch': {
    kind: 'untrusted',
    meaning: 'A trusted key signed this digest, but under another image name than the policy accepts.',
    next: 'Sign the image under the name it is deployed by, or relax `identity` in the policy.',
  },
  'key-not-valid': {
    kind: 'untrusted',
    meaning: 'The image is signed by a key of the attestor which is not yet valid, expired or revoked.',
    next: 'Sign the image again with a key that is valid now.',
  },
  'key-denied': {
    kind: 'untrusted',
    meaning: 'The image is signed by a key of the attestor which a DenyList names; nothing that it ever signed counts.',
    next: 'Sign the image again with another key.',
  },
  'digest-denied': {
    kind: 'untrusted',
    meaning:
      'A DenyList names the digest of this image, or of an image in this index: it is refused whatever policies say.',
    next: 'Use another image; the list says why.',
  },
  'threshold-not-met': {
    kind: 'untrusted',
    meaning: 'Fewer distinct signers than the policy asks for have signed the image.',
    next: 'Have the missing signers sign the image.',
  },
  'platform-untrusted': {
    kind: 'untrusted',
    meaning: 'The policy wants every platform image of an index signed, and at least one of them is not.',
    next: 'Sign with `--recursive`.',
  },
  'digest-required': {
    kind: 'untrusted',
    meaning: 'The policy accepts images by digest only, and this reference has none.',
    next: 'Write the image as name@sha256:….',
  },
  'denied-by-rule': {
    kind: 'untrusted',
    meaning: 'A rule of the policy refuses this image whoever signed it.',
    next: 'Use another image, or ask the owner of the policy.',
  },
  'no-rule': {
    kind: 'untrusted',
    meaning: 'No rule of any policy that applies covers this image, and the policy says `otherwise: Deny`.',
    next: 'Use an image that a rule covers, or ask the owner of the policy for a rule.',
  },
  'no-policy': {
    kind: 'untrusted',
    meaning: 'No policy applies to what was asked, so nothing vouches for the image.',
    next: 'Name a policy that applies, or the namespace with --namespace.',
  },
  'not-pinned': {
    kind: 'untrusted',
    meaning: 'The image is trusted, but was not pinned to the digest that was verified before it reached validation.',
    next: 'Route the object through /mutate, or write the image by digest.',
  },
  'reference-malformed': {
    kind: 'untrusted',
    meaning: 'The text is not an image reference.',
    next: 'Correct the image name.',
  },
} as const satisfies Record<string, ErrorRow>

const undetermined = {
  'registry-unreachable': {
    kind: 'undetermined',
    outage: true,
    meaning: 'No connection to the registry could be made: name, network or TLS.',
    next: 'Check the host name, the network, the proxy if one is set, and the certificate authority of the registry.',
  },
  'registry-timeout': {
    kind: 'undetermined',
    outage: true,
    meaning: 'The registry did not answer before the deadline.',
    next: 'Try again; look at the registry if it persists.',
  },
  'registry-failing': {
    kind: 'undetermined',
    outage: true,
    meaning: 'The registry answered with a server error.',
    next: 'Try again; look at the registry if it persists.',
  },
  'registry-throttled': {
    kind: 'undetermined',
    outage: true,
    meaning: 'The registry refused for the moment because of too many requests.',
    next: 'Try again later, or raise the rate limit of the registry.',
  },
  'token-service-failing': {
    kind: 'undetermined',
    outage: true,
    meaning: 'The token service of the registry did not answer, or not with a token.',
    next: 'Try again; look at the token service if it persists.',
  },
  'access-denied': {
    kind: 'undetermined',
    meaning: 'The registry did not let us read, with none of the credentials at hand.',
    next: 'Give Sealward credentials that may pull this image.',
  },
  'pull-secret-unread': {
    kind: 'undetermined',
    meaning: 'A pull secret of the Pod could not be read in time, and nothing else gives access to the image.',
    next: 'Try again; if it persists, look at the API server.',
  },
  'realm-refused': {
    kind: 'undetermined',
    meaning: 'The registry sent us to a token service that may not see the credentials.',
    next: 'Check the registry; allow its token service by name if it is right.',
  },
  'redirect-refused': {
    kind: 'undetermined',
    meaning: 'The registry redirected to a place that must not be followed.',
    next: 'Check the registry.',
  },
  'address-refused': {
    kind: 'undetermined',
    meaning: 'The address is link-local or a metadata service; Sealward never connects there.',
    next: 'Correct the image name or the registry.',
  },
  'plain-http-refused': {
    kind: 'undetermined',
    meaning: 'The registry speaks plain HTTP, and that is not allowed for this host.',
    next: 'Use TLS, or allow the host by --insecure-registry HOST:PORT.',
  },
  'image-not-found': {
    kind: 'undetermined',
    meaning: 'The registry says that there is no such image, tag or repository.',
    next: 'Check the name and that the image has been pushed.',
  },
  'content-missing': {
    kind: 'undetermined',
    meaning: 'Something that a signature refers to is not in the registry.',
    next: 'Push the signature again.',
  },
  'digest-mismatch': {
    kind: 'undetermined',
    meaning: 'The registry sent bytes that are not what their digest says.',
    next: 'Treat the registry as broken or hostile.',
  },
  'content-truncated': {
    kind: 'undetermined',
    meaning: 'The registry stopped sending before the end.',
    next: 'Try again; look at the registry if it persists.',
  },
  'content-too-large': {
    kind: 'undetermined',
    meaning: 'The registry sent more than the cap for this kind of content.',
    next: 'Look at what was pushed there.',
  },
  'registry-protocol': {
    kind: 'undetermined',
    meaning: 'The registry answered something that the distribution specification does not allow.',
    next: 'Look at the registry.',
  },
  'manifest-malformed': {
    kind: 'undetermined',
    meaning: 'A manifest is not well formed.',
    next: 'Push the image again with a current tool.',
  },
  'manifest-ambiguous': {
    kind: 'undetermined',
    meaning: 'A manifest can be read as two different things, an image and an index.',
    next: 'Push the image again with a current tool; treat the sender as suspect.',
  },
  'manifest-unsupported': {
    kind: 'undetermined',
    meaning: 'The manifest is of a kind that cannot be bound to a signature, such as Docker schema 1.',
    next: 'Push the image again with a current tool.',
  },
  'too-many-signatures': {
    kind: 'undetermined',
    meaning: 'There are more signatures than the cap, and none of those read is enough.',
    next: 'Remove what does not belong there.',
  },
  'evidence-too-large': {
    kind: 'undetermined',
    meaning: 'What lies there to be read for one request is more than the cap.',
    next: 'Remove what does not belong there, or deploy fewer images at once.',
  },
  'too-many-platforms': {
    kind: 'undetermined',
    meaning: 'The index lists more images than the cap.',
    next: 'Split the index.',
  },
  'platform-unknown': {
    kind: 'undetermined',
    meaning: 'The platforms to be checked could not be found out.',
    next: 'Use `platforms: Index` or `Each`.',
  },
  'namespace-labels-unknown': {
    kind: 'undetermined',
    meaning: 'A policy selects namespaces by label, and the labels of this namespace are not known.',
    next: 'Add the Namespace object to the policy files.',
  },
  'too-many-rounds': {
    kind: 'undetermined',
    meaning: 'Judging the image needed more rounds of questions than the bound.',
    next: 'Look at what was pushed there.',
  },
  'judged-too-late': {
    kind: 'undetermined',
    meaning: 'The deadline came before the image could be judged, and it was not the registry that was waited for.',
    next: 'Try again; if it persists, look at what was pushed there, or give Sealward more replicas.',
  },
  'facts-missing': {
    kind: 'undetermined',
    meaning: 'The recorded facts hold no answer to a question that this judgement asks.',
    next: 'Record again, with the policy that is to be explained.',
  },
  overloaded: {
    kind: 'undetermined',
    meaning: 'The server had too much to do to judge in time.',
    next: 'Try again; give Sealward more replicas if it persists.',
  },
  'push-refused': {
    kind: 'undetermined',
    meaning: 'The registry did not accept what was pushed.',
    next: 'Check that the credentials may push there.',
  },
  'signature-place-occupied': {
    kind: 'undetermined',
    meaning: 'Under the tag for signatures lies something that is no cosign signature, or no more fits; it is kept.',
    next: 'Look at what lies there; remove it if it does not belong there.',
  },
  'readback-failed': {
    kind: 'undetermined',
    meaning: 'What was signed could not be read back and verified, so it is not called signed.',
    next: 'Look at the registry; sign again.',
  },
  'internal-error': {
    kind: 'undetermined',
    meaning: 'Sealward itself failed; this is a defect.',
    next: 'Report it with the log line of the decision.',
  },
} as const satisfies Record<string, ErrorRow>

const accepted = {
  'accepted-by-rule': {
    kind: 'accepted',
    meaning: 'A rule says `insecureAcceptAnything`: nothing was verified.',
    next: 'Nothing, if that is what the policy is meant to say.',
  },
  'accepted-otherwise': {
    kind: 'accepted',
    meaning: 'No rule covers the image, and the policies say `otherwise: Accept`: nothing was verified.',
    next: 'Nothing, if that is what the policy is meant to say.',
  },
  'accepted-unchanged': {
    kind: 'accepted',
    meaning: 'An UPDATE left this image as it was; it was not judged again.',
    next: 'Nothing; new Pods are judged when they are created.',
  },
  'accepted-not-enforced': {
    kind: 'accepted',
    meaning: 'Only policies in Warn or Audit mode speak about this image: nothing stands in its way.',
    next: 'Set `mode: Enforce` when what the warnings name has been dealt with.',
  },
  'accepted-undetermined': {
    kind: 'accepted',
    meaning: 'The registry could not be asked, and the policy says `whenUndetermined: InsecureAdmit`.',
    next: 'Repair the registry; judge the image again.',
  },
  'accepted-last-verdict': {
    kind: 'accepted',
    meaning: 'The registry could not be asked; the last verdict for this digest was `trusted` and still counts.',
    next: 'Repair the registry.',
  },
} as const satisfies Record<string, ErrorRow>

const check = {
  'signature-wrong-key': {
    kind: 'check',
    meaning: 'The signature does not verify with any key of the attestor.',
    next: 'Nothing, if it is somebody else’s.',
  },
  'signature-encoding': {
    kind: 'check',
    meaning: 'The signature is not strict base64, or missing.',
    next: 'Sign again.',
  },
  'ecdsa-raw-refused': {
    kind: 'check',
    meaning: 'The ECDSA signature is raw r‖s; only DER is accepted.',
    next: 'Sign again with a tool that writes DER.',
  },
  'ed25519ph-refused': {
    kind: 'check',
    meaning: 'The signature is Ed25519ph (pre-hashed); only pure Ed25519 is accepted.',
    next: 'Sign again with pure Ed25519.',
  },
  'rsa-too-small': {
    kind: 'check',
    meaning: 'The RSA key has fewer than 2048 bits.',
    next: 'Use a larger key.',
  },
  'payload-malformed': {
    kind: 'check',
    meaning: 'The signed payload is not the strict JSON of its format.',
    next: 'Sign again.',
  },
  'payload-type-wrong': {
    kind: 'check',
    meaning: 'The signed payload is of another type than an image signature.',
    next: 'Sign again.',
  },
  'payload-other-image': {
    kind: 'check',
    meaning: 'The signature is genuine but was made for another digest.',
    next: 'Sign this image.',
  },
  'layer-malformed': {
    kind: 'check',
    meaning: 'A layer or referrer at the place of signatures is not one.',
    next: 'Remove it.',
  },
  'bundle-malformed': { kind: 'check', meaning: 'The bundle is not well formed.', next: 'Sign again.' },
  'bundle-version': {
    kind: 'check',
    meaning: 'The bundle is of an unknown version, or breaks the demands of its own.',
    next: 'Sign again with a current tool.',
  },
  'bundle-content': {
    kind: 'check',
    meaning: 'The bundle holds no DSSE envelope; a signature of an image must be one.',
    next: 'Sign again.',
  },
  'dsse-signature-count': {
    kind: 'check',
    meaning: 'The envelope holds no signature or several; exactly one is accepted.',
    next: 'Sign again.',
  },
  'predicate-type-wrong': {
    kind: 'check',
    meaning: 'The statement is of another predicate type; an attestation is not a signature.',
    next: 'Sign the image.',
  },
  'referrer-other-subject': {
    kind: 'check',
    meaning: 'The referrer names another image as its subject.',
    next: 'Remove it.',
  },
} as const satisfies Record<string, ErrorRow>

const input = {
  usage: { kind: 'input', meaning: 'The command was not understood.', next: 'See --help.' },
  'file-unreadable': { kind: 'input', meaning: 'A file could not be read.', next: 'Check its name and rights.' },
  'file-unwritable': { kind: 'input', meaning: 'A file could not be written.', next: 'Check its name and rights.' },
  'file-exists': { kind: 'input', meaning: 'A file is there already.', next: 'Name another, or use --force.' },
  'input-too-large': { kind: 'input', meaning: 'The input is larger than the cap.', next: 'Send less.' },
  'json-malformed': { kind: 'input', meaning: 'The text is not JSON.', next: 'Correct it.' },
  'json-duplicate': { kind: 'input', meaning: 'A JSON object names a member twice.', next: 'Correct it.' },
  'json-too-deep': { kind: 'input', meaning: 'The JSON is nested too deep.', next: 'Flatten it.' },
  'json-shape': { kind: 'input', meaning: 'A JSON value is of the wrong type or misplaced.', next: 'Correct it.' },
  'yaml-malformed': { kind: 'input', meaning: 'The text is not YAML that is accepted here.', next: 'Correct it.' },
  'digest-malformed': { kind: 'input', meaning: 'The text is not a digest.', next: 'Write algorithm:hex.' },
  'base64-malformed': { kind: 'input', meaning: 'The text is not strict base64.', next: 'Correct it.' },
  'pem-malformed': { kind: 'input', meaning: 'The text is not one PEM block.', next: 'Correct it.' },
  'pattern-malformed': { kind: 'input', meaning: 'The image pattern is not one.', next: 'Correct it.' },
  'policy-invalid': { kind: 'input', meaning: 'A policy file has problems.', next: 'Correct the named paths.' },
  'policy-unsupported': {
    kind: 'input',
    meaning: 'The policy uses a word that this version does not support yet.',
    next: 'Remove the word, or wait for the version that acts on it.',
  },
  'policy-empty': { kind: 'input', meaning: 'The files hold no policy.', next: 'Name files that do.' },
  'review-malformed': {
    kind: 'input',
    meaning: 'The body is not an AdmissionReview.',
    next: 'Send what the API server sends.',
  },
  'http-timeout': {
    kind: 'input',
    meaning: 'The HTTP request did not come to its end in time.',
    next: 'Look for what holds up requests between the sender and the server.',
  },
  'workload-malformed': {
    kind: 'input',
    meaning: 'The object has something that is no container list where its images should be.',
    next: 'Correct the object.',
  },
  'key-unavailable': {
    kind: 'input',
    meaning: 'The Secret that holds the key cannot be read, or does not hold it.',
    next: 'Check the name, and that Sealward may get, list and watch this Secret.',
  },
  'key-malformed': { kind: 'input', meaning: 'The key file is not one.', next: 'Check the file.' },
  'key-unsupported': { kind: 'input', meaning: 'The key is of a kind that is not accepted.', next: 'Use another.' },
  'key-weak': { kind: 'input', meaning: 'The key is too weak.', next: 'Use another.' },
  'key-password-wrong': { kind: 'input', meaning: 'The password does not open the key.', next: 'Try again.' },
  'docker-config-malformed': {
    kind: 'input',
    meaning: 'The docker config file is not one.',
    next: 'Correct the file.',
  },
  'credential-helper-failed': {
    kind: 'input',
    meaning: 'The credential helper that the docker config names failed.',
    next: 'Run it by hand.',
  },
  'store-unusable': {
    kind: 'input',
    meaning: 'The store of decision records cannot be opened, read or written.',
    next: 'Check the path, its permissions, the space that is left, and whether the file is whole.',
  },
  'store-newer': {
    kind: 'input',
    meaning: 'The store of decision records was written by a later version of Sealward.',
    next: 'Use that version, or name another store.',
  },
  'store-foreign': {
    kind: 'input',
    meaning: 'The file is no store of decision records of this version.',
    next: 'Name the store that `sealward serve` was given; it brings an older one up to date when it starts.',
  },
  'store-malformed': {
    kind: 'input',
    meaning: 'The store of decision records holds something that Sealward does not write.',
    next: 'Run `sealward decisions verify` on it, or name another store.',
  },
  'record-not-found': {
    kind: 'input',
    meaning: 'No decision on record has the id or uid that was named.',
    next: 'Look for it with `sealward decisions list`; retention may have removed it.',
  },
  'policies-not-loaded': {
    kind: 'undetermined',
    meaning: 'The policies have not been read yet: nobody can say what is demanded.',
    next: 'Try again in a few seconds. If it stays, /readyz of Sealward says what it waits for.',
  },
  'kube-config': {
    kind: 'input',
    meaning: 'The access to the Kubernetes API is not set up.',
    next: 'Name a kubeconfig, or run with a service account.',
  },
  'kube-unreachable': { kind: 'input', meaning: 'The API server does not answer.', next: 'It is tried again.' },
  'kube-failing': { kind: 'input', meaning: 'The API server failed.', next: 'It is tried again.' },
  'kube-unauthenticated': {
    kind: 'input',
    meaning: 'The API server does not know who asks: the token or certificate is none of its own, or has expired.',
    next: 'Look at the service account, or at the kubeconfig.',
  },
  'kube-forbidden': {
    kind: 'input',
    meaning: 'The API server does not let Sealward do this.',
    next: 'Grant the verb that the message names (see the chart).',
  },
  'kube-not-found': { kind: 'input', meaning: 'The object or its kind is not in the cluster.', next: 'Create it.' },
  'kube-conflict': { kind: 'input', meaning: 'Somebody else changed the object.', next: 'It is read again.' },
  'kube-expired': { kind: 'input', meaning: 'A watch was too far behind.', next: 'Everything is listed anew.' },
  'kube-rejected': {
    kind: 'input',
    meaning: 'The API server does not accept the object.',
    next: 'Read what its message names.',
  },
  'listen-failed': {
    kind: 'input',
    meaning: 'The server cannot listen at the address that it was given.',
    next: 'Name another with --listen, or stop what listens there.',
  },
  'tls-invalid': {
    kind: 'input',
    meaning: 'The certificate and the key of the server are no pair that TLS can use.',
    next: 'Check the files of --tls-cert and --tls-key.',
  },
  'http-request': {
    kind: 'input',
    meaning: 'The HTTP request is none that the server answers: path, method, type or speed.',
    next: 'Send what the API server sends.',
  },
  'facts-malformed': { kind: 'input', meaning: 'The file holds no recorded facts.', next: 'Record them again.' },
} as const satisfies Record<string, ErrorRow>

export const errorRows = { ...untrusted, ...undetermined, ...accepted, ...check, ...input }
