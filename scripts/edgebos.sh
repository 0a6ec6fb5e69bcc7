#!/bin/sh
# Runs the command line of packages/cli with Node 24: the one that `npm run setup` put into .tools, or the system's.
# EDGEBOS_ROLE is client or server.
set -eu
root=$(dirname "$(dirname "$(readlink -f "$0")")")

major() {
  "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0
}

node=
for candidate in "$root"/.tools/node_modules/node-linux-*/bin/node node; do
  if command -v "$candidate" >/dev/null 2>&1 && [ "$(major "$candidate")" -ge 24 ]; then
    node=$candidate
    break
  fi
done
if [ -z "$node" ] || [ ! -d "$root/packages/cli/node_modules" ]; then
  echo "edgebos-$EDGEBOS_ROLE: not set up yet: run \"npm run setup\" in $root" >&2
  exit 1
fi

if [ -z "${NODE_COMPILE_CACHE:-}" ] && [ -w "$root/.tools" ]; then
  NODE_COMPILE_CACHE=$root/.tools/code-cache
  export NODE_COMPILE_CACHE
fi
exec "$node" --disable-warning=ExperimentalWarning "$root/packages/cli/src/main.ts" "$EDGEBOS_ROLE" "$@"
