#!/usr/bin/env bash
# Start an OpenSSH server with SFTP as a user process on a free port of 127.0.0.1; prints one line of JSON:
#   {"port": …, "user": …, "directory": …, "key": "FILE", "host-key": "SHA256:…", "sftp-server": "FILE", "pid": …}
#
#   up.sh              stays in the background; ends by `kill PID`
#   up.sh --attached   stays in the foreground and ends when its standard input does
#
# Where the machine has no sshd, Debian's packages are unpacked, once, under ${CROSSDOCK_LOCAL:-.local}/sftp;
# nothing is installed. CROSSDOCK_SFTP=present leaves that out and takes only what is there. Users come in by
# the key it names; checking passwords would take root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
say() { echo "sftp: $*" >&2; }

command -v ssh-keygen >/dev/null || { say "needs ssh-keygen (Debian: openssh-client)"; exit 1; }
sshd=/usr/sbin/sshd
sftp_server=/usr/lib/openssh/sftp-server
if [ ! -x "$sshd" ] || [ ! -x "$sftp_server" ]; then
    local_dir=${CROSSDOCK_LOCAL:-$root/.local}/sftp
    mkdir -p "$local_dir"
    exec 9>"$local_dir/lock"
    flock 9
    if [ ! -e "$local_dir/complete" ]; then
        [ "${CROSSDOCK_SFTP:-}" != present ] || { say "there is no sshd; run tests/sftp/up.sh once"; exit 1; }
        command -v apt-get >/dev/null || { say "needs sshd, or a Debian to fetch it from"; exit 1; }
        say "unpacking openssh-server into $local_dir"
        (cd "$local_dir" && apt-get download -qq openssh-server openssh-sftp-server >&2 &&
            for package in *.deb; do dpkg -x "$package" .; done && rm -f ./*.deb && touch complete)
    fi
    exec 9>&-
    sshd=$local_dir/usr/sbin/sshd
    sftp_server=$local_dir/usr/lib/openssh/sftp-server
fi

run=$(mktemp -d "${TMPDIR:-/tmp}/crossdock-sftp-XXXXXXXX")
mkdir "$run/files"
# Copies that the user below may run, wherever the originals are.
cp "$sshd" "$run/sshd"
cp "$sftp_server" "$run/sftp-server"
ssh-keygen -q -t ed25519 -N '' -f "$run/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$run/key"
cp "$run/key.pub" "$run/authorized_keys"
cat > "$run/config" <<CONFIG
ListenAddress 127.0.0.1
HostKey $run/host_key
AuthorizedKeysFile $run/authorized_keys
PidFile none
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
CONFIG
as=()
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
    # A server that runs as root wants a user and a folder of the system's for itself. Any other will do whose
    # account counts as open: that of `nobody` does not everywhere.
    user=daemon
    as=(setpriv --reuid="$(id -u daemon)" --regid="$(id -g daemon)" --clear-groups)
    chown -R daemon "$run"
    chmod 755 "$run"
fi
for _ in $(seq 20); do
    port=$((20000 + RANDOM % 20000))
    "${as[@]}" "$run/sshd" -D -e -f "$run/config" -p "$port" > "$run/log" 2>&1 < /dev/null &
    pid=$!
    for _ in $(seq 100); do
        grep -q 'Server listening' "$run/log" && break 2
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
done
if ! kill -0 "$pid" 2>/dev/null; then
    cat "$run/log" >&2
    rm -rf "$run"
    exit 1
fi
chmod a+r "$run/key"
fingerprint=$(ssh-keygen -lf "$run/host_key.pub" | cut -d' ' -f2)
printf '{"port": %d, "user": "%s", "directory": "%s", "key": "%s", "host-key": "%s", "sftp-server": "%s", "pid": %d}\n' \
    "$port" "$user" "$run/files" "$run/key" "$fingerprint" "$run/sftp-server" "$pid"
if [ "${1:-}" = --attached ]; then
    cat > /dev/null
    kill "$pid" 2>/dev/null || true
    rm -rf "$run"
fi
