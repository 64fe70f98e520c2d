#!/bin/sh
# Runs a command with a throwaway PostgreSQL: tests/postgres.sh COMMAND [ARGUMENT ...]
# The command finds its address in SIGILL_TEST_DATABASE. The server listens on a Unix socket
# in a temporary folder and is stopped, and the folder removed, when the command ends.
set -eu

for bin in $(pg_config --bindir 2>/dev/null || true) $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
    [ -x "$bin/initdb" ] && break
done
[ -x "${bin:-}/initdb" ] || { echo "tests/postgres.sh: no PostgreSQL found" >&2; exit 1; }

dir=$(mktemp -d /tmp/sigill-test.XXXXXX)
as=""
if [ "$(id -u)" = 0 ]; then
    chown postgres "$dir"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
stop() {
    (cd "$dir" && $as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1) || true
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

(
    cd "$dir"
    $as "$bin/initdb" -D "$dir/data" --auth=trust --encoding=UTF8 --no-locale --username=sigill >/dev/null
    # What is in it is thrown away, so nothing waits for the disk but the bench.
    $as "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
        -o "-k $dir -c listen_addresses='' -c fsync=${SIGILL_TEST_FSYNC:-off} -c max_connections=400 -c max_wal_size=4GB ${SIGILL_TEST_OPTIONS:-}" start >/dev/null
)
SIGILL_TEST_DATABASE="postgres:///postgres?host=$dir&user=sigill"
SIGILL_TEST_PROGRAMS=$bin
export SIGILL_TEST_DATABASE SIGILL_TEST_PROGRAMS
"$@"
