#!/bin/sh
# Looks at the pages of a demonstration with Debian's chromium, by playwright-core and axe-core from npm. Pictures are in
# target/browser/pictures. PICTURES=1 also puts those of the README in its place.
set -eu
cd "$(dirname "$0")/../.."
cargo build --locked --release
work=target/browser
mkdir -p $work
cp tests/browser/package.json tests/browser/package-lock.json tests/browser/suite.mjs $work/
(cd $work && npm ci --silent --no-audit --no-fund)
data=$(mktemp -d /tmp/sigill-browser.XXXXXX)
target/release/sigill serve --data "$data/var" --http 127.0.0.1:0 --admin 127.0.0.1:0 --demo 2> "$data/log" &
server=$!
trap 'kill $server 2>/dev/null; wait $server; rm -rf "$data"' EXIT
until address=$(sed -n 's/.*"pages_address":"\([^"]*\)".*/\1/p' "$data/log") && [ -n "$address" ]; do
    kill -0 $server || { cat "$data/log"; exit 1; }
    sleep 0.2
done
node $work/suite.mjs "$address" $work/pictures
if [ -n "${PICTURES:-}" ]; then
    mkdir -p docs/pictures
    for name in patient sa-har-blir-det statistik utdrag granskning-lista dragning; do cp $work/pictures/$name.png docs/pictures/; done
fi
