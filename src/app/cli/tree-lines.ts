// Draws a tree of lines, as `tree` and `explain` print them.

export interface TreeNode {
  readonly text: string
  readonly children?: readonly TreeNode[]
}

export function treeLines({ text, children = [] }: TreeNode): readonly string[] {
  const last = children.length - 1
  return [
    text,
    ...children.flatMap((child, index) => {
      const [first = '', ...rest] = treeLines(child)
      return index === last
        ? [`└─ ${first}`, ...rest.map((line) => `   ${line}`)]
        : [`├─ ${first}`, ...rest.map((line) => `│  ${line}`)]
    }),
  ]
}
