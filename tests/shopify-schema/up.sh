#!/usr/bin/env bash
# Install Shopify's own schema of its Admin API, once; prints the folder.
#
# The vendor publishes it inside the npm package @shopify/dev-mcp; npm's graphql reads it. Both live under
# ${CROSSDOCK_LOCAL:-.local}/shopify-schema and nothing of them is run but the latter. Safe to run many times and at once.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
local_dir=${CROSSDOCK_LOCAL:-$root/.local}
dev_mcp=1.16.0
graphql=16.15.0

say() { echo "shopify-schema: $*" >&2; }
command -v node >/dev/null && command -v npm >/dev/null || { say "needs node 20 or newer with npm"; exit 1; }

mkdir -p "$local_dir/shopify-schema"
base=$(cd "$local_dir/shopify-schema" && pwd)
# One at a time: the second one waits for the first one's work and then uses it.
exec 9>"$base/lock"
flock 9

schema=$base/$dev_mcp-$graphql
if [ ! -e "$schema/complete" ]; then
    say "installing into $schema"
    rm -rf "$schema"
    mkdir -p "$schema"
    # Of the vendor's package only the schemas: its hundreds of dependencies are of no use here.
    (cd "$schema" && npm pack --silent "@shopify/dev-mcp@$dev_mcp" >/dev/null)
    tar -xzf "$schema"/shopify-dev-mcp-*.tgz -C "$schema" --strip-components=3 --wildcards 'package/dist/data/admin_2*.json.gz'
    rm "$schema"/shopify-dev-mcp-*.tgz
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$schema" "graphql@$graphql" >&2
    touch "$schema/complete"
fi

printf '%s\n' "$schema"
