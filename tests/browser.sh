#!/bin/sh
# Make sure there is a chromium for the browser tests: by apt where that is allowed, otherwise say what to install.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing chromium for the browser tests ..."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        chromium fonts-dejavu-core fonts-noto-core >/dev/null && exit 0
fi
echo "No chromium here, so the browser tests will be skipped. To run them: apt-get install chromium" >&2
[ -z "$CI" ] # under CI that is a failure
