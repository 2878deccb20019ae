#!/bin/sh
# Make sure there is an nginx to put before two servers: by apt where that is allowed, otherwise say what to install.
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing nginx for the test of two servers ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -qq -y --no-install-recommends nginx-light >/dev/null && exit 0
fi
echo "No nginx here. To test two servers behind one: apt-get install nginx-light" >&2
exit 1
