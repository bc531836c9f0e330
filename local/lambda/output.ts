import type { Readable } from 'node:stream';

/** Marks the line that the child writes at the end of each attempt's output. No function writes this character. */
const END_MARK = '\0';

/** The lines that a child process writes to one of its streams, and the marks between the attempts' output. */
export class Output {
  private incompleteLine = '';
  private readonly ended = new Set<string>();
  private readonly waiting = new Map<string, () => void>();

  constructor(
    stream: Readable,
    private readonly onLine: (line: string) => void,
  ) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.onData(text));
    stream.on('end', () => this.finish());
  }

  /** Resolves when all output of this attempt has been read. */
  endOf(requestId: string): Promise<void> {
    if (this.ended.delete(requestId)) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting.set(requestId, resolve));
  }

  private onData(text: string): void {
    const lines = (this.incompleteLine + text).split('\n');
    this.incompleteLine = lines.pop() ?? '';
    for (const line of lines) {
      this.onStreamLine(line);
    }
  }

  private onStreamLine(line: string): void {
    const mark = line.indexOf(END_MARK);
    const written = mark < 0 ? line : line.slice(0, mark);
    if (mark < 0 || written !== '') {
      this.onLine(written);
    }
    if (mark < 0) {
      return;
    }
    const requestId = line.slice(mark + END_MARK.length);
    const resolve = this.waiting.get(requestId);
    this.waiting.delete(requestId);
    if (resolve === undefined) {
      this.ended.add(requestId);
    } else {
      resolve();
    }
  }

  private finish(): void {
    if (this.incompleteLine !== '') {
      this.onStreamLine(this.incompleteLine);
    }
    this.incompleteLine = '';
    for (const resolve of this.waiting.values()) {
      resolve();
    }
    this.waiting.clear();
  }
}
