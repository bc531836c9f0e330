import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Conditions, Figure, Part } from '../figure';
import { oneLineFigures } from './one-line';
import { longestChain, type Resource } from './longest-chain';

const ROOT = join(__dirname, '..', '..');
const STACK = 'MfaExample';
const MAX_SECONDS = 45;

/** The longest chain of the first deployment of `bin/app.ts`, estimated from its template. */
export const deploymentPart: Part = {
  name: 'deployment',
  async measure({ note }: Conditions): Promise<Figure[]> {
    const resources = synthesizeExample();
    const { seconds, logicalIds } = longestChain(resources);
    note(`deployment: longest chain: ${logicalIds.map((logicalId) => resources[logicalId]!.Type).join(' > ')}`);
    return [
      { name: 'deployment.example.longestChain', value: seconds, unit: 's', atMost: MAX_SECONDS },
      ...(await oneLineFigures()),
    ];
  },
};

function synthesizeExample(): Record<string, Resource> {
  const outdir = mkdtempSync(join(tmpdir(), 'bench-deployment-'));
  try {
    execFileSync(process.execPath, ['--import', 'tsx', join('bin', 'app.ts')], {
      cwd: ROOT,
      env: { ...process.env, CDK_OUTDIR: outdir },
    });
    const template = JSON.parse(readFileSync(join(outdir, `${STACK}.template.json`), 'utf8')) as {
      Resources: Record<string, Resource>;
    };
    return template.Resources;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}
