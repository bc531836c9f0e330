/** How a device came into the world. A device that is deleted and made again has another birth. */
export interface Birth {
  readonly number: number;
  readonly by: 'library' | 'administrator';
  /** Base32 text, which nobody sees ever after. */
  readonly seed: string;
  /** Where the seed was to go, of a device that the library made. */
  readonly secretArn?: string;
  /** The invocation that made it, of a device that the library made: a duplicate is another one. */
  readonly maker?: object;
}

/** Remembers what IAM tells once: the seeds of all devices, and who made them. */
export class Births {
  private readonly living = new Map<string, Birth>();
  private readonly excused = new Set<number>();
  private readonly seeds: string[] = [];

  record(serialNumber: string, birth: Omit<Birth, 'number'>): void {
    this.living.set(serialNumber, { ...birth, number: this.seeds.push(birth.seed) });
  }

  end(serialNumber: string): void {
    this.living.delete(serialNumber);
  }

  of(serialNumber: string): Birth | undefined {
    return this.living.get(serialNumber);
  }

  /** From now on nobody needs to own up to this device: it was kept, given up, or its claims were taken off by hand. */
  excuse(serialNumber: string): void {
    this.excused.add(this.of(serialNumber)?.number ?? 0);
  }

  isExcused(serialNumber: string): boolean {
    return this.excused.has(this.of(serialNumber)?.number ?? 0);
  }

  /** The seeds of all devices that there ever were. */
  get allSeeds(): readonly string[] {
    return this.seeds;
  }
}
