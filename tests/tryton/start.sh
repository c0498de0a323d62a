#!/usr/bin/env bash
# Start a Tryton of one's own on a fresh copy of the seeded database; prints one line of JSON:
#   {"url": "http://127.0.0.1:PORT", "database": "tryton", "key": …, "pid": …, "run": …, …seed.json}
#
#   start.sh              stays in the background; ends by `kill PID`
#   start.sh --attached   stays in the foreground and ends when its standard input does: a test
#                         holds the pipe, and however the test dies, no server is left
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
{ read -r venv; read -r template; } < <("$here/up.sh")
[ -n "${template:-}" ] || exit 1

run=$(mktemp -d "$(dirname "$template")/run/XXXXXXXX")
cp "$template/tryton.sqlite" "$template/seed.json" "$run/"
printf '[database]\nuri = sqlite://\npath = %s\n' "$run" > "$run/trytond.conf"

if [ "${1:-}" = --attached ]; then
    exec "$venv/bin/python" "$here/serve.py" "$run" --attached
fi
setsid "$venv/bin/python" "$here/serve.py" "$run" > "$run/log" 2>&1 < /dev/null &
pid=$!
while [ ! -e "$run/ready.json" ]; do
    kill -0 "$pid" 2>/dev/null || { cat "$run/log" >&2; exit 1; }
    sleep 0.05
done
cat "$run/ready.json"
