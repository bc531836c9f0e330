import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The bucket of a bootstrapped environment. Published files are never deleted. */
export class Assets {
  private readonly files = new Map<string, string>();

  /** Publishes files, given as paths by object key. */
  publish(files: ReadonlyMap<string, string>): void {
    for (const [key, path] of files) {
      this.files.set(key, resolve(path));
    }
  }

  /** The path of the file or directory with this object key. */
  pathOf(key: string): string | undefined {
    return this.files.get(key);
  }

  /** The parsed template at a URL. */
  templateAt(url: string): unknown {
    const key = [...this.files.keys()].find((known) => url.endsWith(`/${known}`));
    const path = key && this.files.get(key);
    return path === undefined || path === '' ? undefined : JSON.parse(readFileSync(path, 'utf8'));
  }
}
