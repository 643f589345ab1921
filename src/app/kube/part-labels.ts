// The labels of everything that Sealward makes in a cluster.

export const partLabels: Readonly<Record<string, string>> = {
  'app.kubernetes.io/name': 'sealward',
  'app.kubernetes.io/part-of': 'sealward',
}
