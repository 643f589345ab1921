// One image string at one place of one object: what everything else is about.

export interface ImageUse {
  /** RFC 6901 pointer into the object: `/spec/template/spec/initContainers/0/image`. */
  readonly pointer: string
  /** The same place for people: `spec.template.spec.initContainers[0].image`. */
  readonly field: string
  /** In which list of a pod spec; `field`: by itself, at a place that was configured; `argument`: of a command. */
  readonly list: 'containers' | 'initContainers' | 'ephemeralContainers' | 'volumes' | 'field' | 'argument'
  /** The container's or volume's name; empty if it has none. */
  readonly name: string
  /** The image as written. */
  readonly image: string
}
