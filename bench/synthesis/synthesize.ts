import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { App, AssetStaging } from 'aws-cdk-lib';
import { type ContenderName, declareFleet } from './contenders';

/** What one synthesis took: milliseconds, and the bytes of all templates without white space. */
export interface Synthesis {
  readonly ms: number;
  readonly bytes: number;
}

/** Synthesizes as the CDK CLI has it done, and says what it took. Loading aws-cdk-lib, which is alike for all, is left out. */
function synthesize(name: ContenderName, enrollments: number): Synthesis {
  const outdir = mkdtempSync(join(tmpdir(), 'bench-synthesis-'));
  try {
    const start = performance.now();
    const app = new App({
      outdir,
      analyticsReporting: false,
      context: { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:enable-asset-metadata': true },
    });
    declareFleet(app, name, enrollments);
    const { stacks } = app.synth();
    const ms = performance.now() - start;
    const bytesOf = (file: string) => Buffer.byteLength(JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))));
    return { ms, bytes: stacks.reduce((sum, { templateFullPath }) => sum + bytesOf(templateFullPath), 0) };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

const [name, enrollments] = process.argv.slice(2);
synthesize(name as ContenderName, 1);
AssetStaging.clearAssetHashCache();
process.send?.(synthesize(name as ContenderName, Number(enrollments)));
