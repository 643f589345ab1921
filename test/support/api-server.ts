// What kube-apiserver demands of a webhook's answer (k8s.io/apiserver, pkg/admission/plugin/webhook/request): a second
// reading of those rules, which shares nothing with the code that answers.

type Json = Readonly<Record<string, unknown>>

/** The API server's complaint, or `undefined` where it accepts the answer. */
export function complaintAbout(
  uid: string,
  version: 'v1' | 'v1beta1',
  mutating: boolean,
  text: string,
): string | undefined {
  const review: unknown = JSON.parse(text)
  const response = isObject(review) ? review['response'] : undefined
  if (!isObject(review) || !isObject(response)) return 'the response is absent'
  if (typeof response['allowed'] !== 'boolean') return 'allowed is not a boolean'
  const { patch, patchType } = response
  if (patch !== undefined && !isBase64(patch)) return 'the patch is not base64'
  // Of v1beta1 neither uid nor version were ever checked; a patch from validation was ignored.
  if (version === 'v1beta1') return undefined
  if (response['uid'] !== uid) return 'the uid is another one'
  if (review['apiVersion'] !== 'admission.k8s.io/v1' || review['kind'] !== 'AdmissionReview')
    return 'not the kind asked'
  if (!mutating) return patch === undefined && patchType === undefined ? undefined : 'validation may not patch'
  const isPatched = typeof patch === 'string' && patch !== ''
  if (isPatched && patchType === undefined) return 'a patch without its type'
  if (!isPatched && patchType !== undefined) return 'a type without a patch'
  return patchType === undefined || patchType === 'JSONPatch' ? undefined : 'a type of patch that nobody knows'
}

function isBase64(value: unknown): boolean {
  return typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
