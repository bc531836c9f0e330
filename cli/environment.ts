import { type Aws } from './aws/ports';

/** What a command writes to. */
export interface Output {
  /** Whether a person looks at it. */
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

/** The keys of a terminal. */
export interface Keyboard {
  readonly isTTY: boolean;
  /** Resolves when somebody presses Enter (`enter`), or Ctrl+C (`interrupt`). Shows nothing of what is typed. */
  pressed(signal: AbortSignal): Promise<'enter' | 'interrupt'>;
}

/** A clock that nobody adjusts. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /** Resolves `ms` milliseconds later. Rejects if the signal aborts before. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Everything that a command uses of the machine and of AWS. */
export interface Environment {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly keyboard: Keyboard;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Aborts when somebody interrupts the command. */
  readonly interruption: AbortSignal;
  /**
   * Loads the SDK. A command that refuses its arguments never does.
   *
   * @param region takes precedence over that of the environment
   */
  connect(region?: string): Promise<Aws>;
}
