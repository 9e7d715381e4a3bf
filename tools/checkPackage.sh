#!/usr/bin/env bash
# Installs the packed package into an empty folder and imports every subpath export.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tarball=$(cd "$root" && npm pack --silent --pack-destination "$folder")
cd "$folder"
echo '{ "name": "consumer", "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund "./$tarball"
cat > use.mjs <<'JS'
const { exports } = (await import('keyroll/package.json', { with: { type: 'json' } })).default
for (const subpath of Object.keys(exports).filter((name) => name !== './package.json')) {
  const module = await import(`keyroll/${subpath.slice(2)}`)
  console.log(`keyroll/${subpath.slice(2)}: ${Object.keys(module).length} exports`)
}
JS
node use.mjs
npx --no-install keyroll --version
