#!/usr/bin/env bash
# Install an EDI trading partner and two validators of X12 into a virtual environment, once; prints its Python:
#
#   CROSSDOCK_EDI_PYTHON=$(tests/x12/up.sh) cargo test -p plugin-erp-x12
#
# It lives under ${CROSSDOCK_LOCAL:-.local}/x12 and is named after its requirements. Safe to run many times and at once.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
local_dir=${CROSSDOCK_LOCAL:-$root/.local}
mkdir -p "$local_dir/x12"
base=$(cd "$local_dir/x12" && pwd)
python=${PYTHON:-python3}

say() { echo "x12: $*" >&2; }

command -v "$python" >/dev/null || { say "needs Python 3.10 or newer with venv (Debian: python3-venv)"; exit 1; }

# One at a time: the second of two test runs waits for the first one's work and then uses it.
exec 9>"$base/lock"
flock 9

venv=$base/venv-$(sha256sum < "$here/requirements.txt" | cut -c1-12)
if [ ! -e "$venv/complete" ]; then
    say "installing into $venv"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
    touch "$venv/complete"
fi
printf '%s\n' "$venv/bin/python"
