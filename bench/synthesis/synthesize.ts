import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { App, AssetStaging } from 'aws-cdk-lib';
import { type ContenderName, declareFleet } from './contenders';

/** The time of one synthesis in milliseconds, and the size of all templates in bytes, without white space. */
export interface Synthesis {
  readonly ms: number;
  readonly bytes: number;
}

/**
 * Synthesizes and measures an app as the CDK CLI runs it, except for loading aws-cdk-lib, which is the same for all.
 */
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
