// What a command is: data that help, parsing and completion are made of, and a function that is loaded on use.
// `src/app/cli/<name>.ts` exports `command` and imports nothing heavy; `<name>-run.ts` exports `run` and imports what it
// needs. So `--help` and a mistyped flag cost no more than starting Node.

/** 0 trusted or done, 1 untrusted, 2 usage or configuration, 3 undetermined. */
export type ExitCode = 0 | 1 | 2 | 3

export interface OptionSpec {
  /** `-a, --annotation <key=value>`, `--force`. The name in `Args` is the long one: `annotation`. */
  readonly flags: string
  readonly description: string
  /** May be given several times; read by `args.all`. */
  readonly repeatable?: true
  /** Written into the help text; `args.text` gives it where the option is absent. */
  readonly default?: string
  readonly choices?: readonly string[]
  /** What a shell completes the value with. */
  readonly completes?: 'file' | 'directory'
}

export interface CommandSpec {
  /** `verify`, or `keys generate`. */
  readonly name: string
  /** `<image...>`, `[file]`; empty if it takes none. */
  readonly operands: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** For `--help` of the command: what it does, what it does not, in a few sentences. */
  readonly description: string
  readonly options: readonly OptionSpec[]
  /** Its answer is no document: there is no `-o json`. */
  readonly plain?: true
  /** Whole command lines, each with a word on what it shows. */
  readonly examples: readonly { readonly line: string; readonly shows: string }[]
  load(): Promise<{ readonly run: Run }>
}

export type Run = (args: Args, context: CommandContext) => Promise<ExitCode>

/** The parsed command line. Asking for an option that the spec does not have is a defect and throws. */
export interface Args {
  readonly operands: readonly string[]
  /** The value of an option, its default, or `undefined`. */
  text(name: string): string | undefined
  /** All values of a repeatable option. */
  all(name: string): readonly string[]
  /** Was this option without a value given? */
  flag(name: string): boolean
}

/** Everything that a command gets from outside; only `main.ts` reads the process. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** Is the answer wanted as JSON (`-o json`)? */
  readonly json: boolean
  readonly stdin: NodeJS.ReadStream
  readonly stdout: Stream
  readonly stderr: Stream
  /** Aborts on the first SIGINT or SIGTERM; a second one ends the process. Short commands do not call it. */
  stopped(): AbortSignal
}

export interface Stream {
  /** Writes the text and a newline. */
  line(text: string): void
  /** Writes text as it is. */
  write(text: string): void
  /** A person is looking, and did not ask for plain text. */
  readonly colour: boolean
  readonly isTerminal: boolean
}
