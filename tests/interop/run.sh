#!/bin/sh
# A Python client built by zeep from the served WSDLs calls a running server.
# Makes a virtual environment under target/interop; needs Python 3 with venv.
set -eu
cd "$(dirname "$0")/../.."
cargo build --locked
env=target/interop
[ -x $env/bin/python ] || { python3 -m venv $env && $env/bin/pip install --quiet zeep==4.3.2; }
data=$(mktemp -d /tmp/sigill-interop.XXXXXX)
target/debug/sigill serve --data "$data/var" --http 127.0.0.1:0 2> "$data/log" &
server=$!
trap 'kill $server 2>/dev/null; wait $server; rm -rf "$data"' EXIT
until address=$(sed -n 's/.*"address":"\([^"]*\)".*/\1/p' "$data/log") && [ -n "$address" ]; do
    kill -0 $server || { cat "$data/log"; exit 1; }
    sleep 0.1
done
$env/bin/python tests/interop/calls.py "$address"
