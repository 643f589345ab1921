// AdmissionReviews of Pods, as an API server sends them, of a wanted size.

export interface PodReview {
  readonly uid: string
  readonly body: Buffer
}

/** A Pod with a container for each image. 3 images make 3 KB without padding. */
export function podReview(uid: string, images: readonly string[], namespace = 'team-a'): PodReview {
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      generateName: 'web-5d4f8c7b9-',
      namespace,
      labels: { app: 'web', 'pod-template-hash': '5d4f8c7b9' },
      annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' },
    },
    spec: { containers: images.map(container), serviceAccountName: 'default', restartPolicy: 'Always' },
    status: {},
  }
  return { uid, body: Buffer.from(JSON.stringify(review(uid, namespace, object))) }
}

function review(uid: string, namespace: string, object: unknown) {
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      namespace,
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        uid: 'a7e0ab33-5f29-4c5a-8bd5-6d1f8d6f5a01',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
      },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  }
}

function container(image: string, index: number) {
  return {
    name: `c${index}`,
    image,
    env: [
      { name: 'PORT', value: '8080' },
      { name: 'LOG', value: 'info' },
    ],
    resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '50m', memory: '64Mi' } },
    ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      failureThreshold: 3,
    },
    securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  }
}
