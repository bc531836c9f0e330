import type { Readable } from 'node:stream';

/** Begins the line with which the child ends each attempt's output; no function writes it by itself. */
const END_MARK = '\0';

/** The lines that a child process writes to one of its streams, and the ends of attempts among them. */
export class Output {
  private rest = '';
  private readonly ended = new Set<string>();
  private readonly waiting = new Map<string, () => void>();

  constructor(
    stream: Readable,
    private readonly onLine: (line: string) => void,
  ) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.take(text));
    stream.on('end', () => this.finish());
  }

  /** Resolves when everything that was written up to the end of this attempt has been read. */
  endOf(requestId: string): Promise<void> {
    if (this.ended.delete(requestId)) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting.set(requestId, resolve));
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      this.takeLine(line);
    }
  }

  private takeLine(line: string): void {
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
    if (this.rest !== '') {
      this.takeLine(this.rest);
    }
    this.rest = '';
    for (const resolve of this.waiting.values()) {
      resolve();
    }
    this.waiting.clear();
  }
}
