// Packs the package as the last build left it.
//
//   node scripts/pack.mjs --list                     prints the digest of each packed file
//   node scripts/pack.mjs --expect FILE [--to DIR]   packs into DIR, unless the digests differ from those that FILE lists
//
// The release tests one build and packs another one, which ran in a job of its own. Equal digests show that what is
// released is what was tested.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    expect: { type: 'string' },
    to: { type: 'string', default: '.' },
  },
});
if (options.list === (options.expect !== undefined)) {
  throw new Error('expected one of --list and --expect FILE');
}

const scratch = await mkdtemp(path.join(tmpdir(), 'pack-'));
try {
  const tarball = pack();
  // The digests are those of the tarball, not of the folder that it was packed from.
  const digests = await digestsIn(tarball);
  if (options.list) {
    process.stdout.write(digests);
  } else {
    const problems = differences(await readFile(options.expect, 'utf8'), digests);
    if (problems.length === 0) {
      await copyFile(tarball, path.join(options.to, path.basename(tarball)));
      process.stdout.write(`${path.basename(tarball)}\n`);
    } else {
      process.stderr.write(
        [`not packed: the files differ from those in '${options.expect}':`, ...problems, ''].join('\n'),
      );
      process.exitCode = 1;
    }
  }
} finally {
  await rm(scratch, { recursive: true });
}

function pack() {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch];
  const [{ filename }] = JSON.parse(
    execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  return path.join(scratch, filename);
}

/** One line for each file, as sha256sum prints it, sorted by path. */
async function digestsIn(tarball) {
  execFileSync('tar', ['-xzf', tarball, '-C', scratch]);
  const root = path.join(scratch, 'package');
  const lines = [];
  for (const file of (await readdir(root, { recursive: true })).sort()) {
    if ((await stat(path.join(root, file))).isFile()) {
      const digest = createHash('sha256')
        .update(await readFile(path.join(root, file)))
        .digest('hex');
      lines.push(`${digest}  ${file}\n`);
    }
  }
  return lines.join('');
}

function differences(expected, actual) {
  const [before, after] = [expected, actual].map(
    (digests) =>
      new Map(
        digests.split('\n').flatMap((line) => {
          // A path can hold two spaces, too.
          const end = line.indexOf('  ');
          return line === '' ? [] : [[line.slice(end + 2), line.slice(0, end)]];
        }),
      ),
  );
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((file) => {
    const [wanted, found] = [before.get(file), after.get(file)];
    return wanted === found ? [] : [`  ${file}: expected ${wanted ?? 'no such file'}, found ${found ?? 'none'}`];
  });
}
