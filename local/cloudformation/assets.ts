import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The bucket of a bootstrapped environment: what has been published to it stays. */
export class Assets {
  private readonly files = new Map<string, string>();

  /** Publishes files: paths by key. */
  publish(files: ReadonlyMap<string, string>): void {
    for (const [key, path] of files) {
      this.files.set(key, resolve(path));
    }
  }

  /** The path of the file or directory under this key. */
  pathOf(key: string): string | undefined {
    return this.files.get(key);
  }

  /** The template that a URL leads to, parsed. */
  templateAt(url: string): unknown {
    const key = [...this.files.keys()].find((known) => url.endsWith(`/${known}`));
    const path = key && this.files.get(key);
    return path === undefined || path === '' ? undefined : JSON.parse(readFileSync(path, 'utf8'));
  }
}
