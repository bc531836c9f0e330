import type { Invocation } from './invocation';

/** How a device was created. A device that is deleted and created again has another record. */
export interface Birth {
  readonly number: number;
  readonly by: 'library' | 'administrator';
  /** Base32 text. IAM returns it only once. */
  readonly seed: string;
  /** The secret for the seed, if the library created the device. */
  readonly secretArn?: string;
  /** The invocation that created it, if the library created the device. A duplicate delivery is another invocation. */
  readonly maker?: Invocation;
  /** Whether its secret showed that the same Create had stored a seed before. */
  readonly isKnown?: boolean;
  /** When, if the library created it. */
  readonly bornAt?: number;
}

/** Records what IAM reports only once: the seed of each device, and who created it. */
export class Births {
  private readonly living = new Map<string, Birth>();
  private readonly unownedAllowed = new Set<number>();
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

  /** Exempts a device from the check for orphans: it was retained or abandoned, or its claims were removed by hand. */
  allowUnowned(serialNumber: string): void {
    this.unownedAllowed.add(this.of(serialNumber)?.number ?? 0);
  }

  mayBeUnowned(serialNumber: string): boolean {
    return this.unownedAllowed.has(this.of(serialNumber)?.number ?? 0);
  }

  /** The seeds of all devices, deleted ones included. */
  get allSeeds(): readonly string[] {
    return this.seeds;
  }
}
