#!/usr/bin/env bash
# Install Tryton and seed the template database, once; prints the template's folder.
#
# Both live under ${CROSSDOCK_LOCAL:-.local}/tryton and are named after what they were made from
# (requirements, seed, year of the fiscal years), so a changed seed makes a new template and an
# unchanged one costs nothing. Safe to run many times and at once.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
local_dir=${CROSSDOCK_LOCAL:-$root/.local}
mkdir -p "$local_dir/tryton/run"
base=$(cd "$local_dir/tryton" && pwd)
python=${PYTHON:-python3}

say() { echo "tryton: $*" >&2; }
digest() { cat "$@" | sha256sum | cut -c1-12; }

command -v "$python" >/dev/null || { say "needs Python 3.10 or newer with venv (Debian: python3-venv)"; exit 1; }

# One at a time: the second of two test binaries waits for the first one's work and then uses it.
exec 9>"$base/lock"
flock 9

venv=$base/venv-$(digest "$here/requirements.txt")
if [ ! -e "$venv/complete" ]; then
    say "installing into $venv"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
    touch "$venv/complete"
fi

template=$base/template-$(digest "$here/requirements.txt" "$here/seed.py" "$here/up.sh")-$(date +%Y)
if [ ! -e "$template/seed.json" ]; then
    say "creating and seeding the template database (about a minute, once)"
    rm -rf "$template" "$template.new"
    mkdir -p "$template.new"
    printf '[database]\nuri = sqlite://\npath = %s\n' "$template.new" > "$template.new/trytond.conf"
    # Any password does: nobody logs in by it, the tests use the integration user's key.
    printf 'crossdock-admin' > "$template.new/password"
    : > "$template.new/tryton.sqlite"
    TRYTONPASSFILE=$template.new/password "$venv/bin/trytond-admin" -c "$template.new/trytond.conf" \
        -d tryton --all --email admin@example.com --activate-dependencies \
        -u sale web_shop account_invoice_stock stock_package_shipping >&2
    "$venv/bin/python" "$here/seed.py" tryton "$template.new/trytond.conf" > "$template.new/seed.part"
    mv "$template.new/seed.part" "$template.new/seed.json"
    mv "$template.new" "$template"
fi

# What earlier runs left behind when they were killed too hard to tidy up.
for run in "$base"/run/*/; do
    [ -e "$run/pid" ] || continue
    kill -0 "$(cat "$run/pid")" 2>/dev/null || rm -rf "$run"
done

printf '%s\n%s\n' "$venv" "$template"
