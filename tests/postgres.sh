#!/bin/sh
# Make sure there is a PostgreSQL server for the tests to start: by apt where that is allowed, otherwise say what to install.
for program in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb)"; do
    [ -x "$program" ] && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing PostgreSQL for the tests of the store in Milvus ..."
    export DEBIAN_FRONTEND=noninteractive
    # its tools first: then the server can be told to make no database of its own, and to run none
    apt-get update -qq && apt-get install -qq -y --no-install-recommends postgresql-common >/dev/null &&
        sed -i 's/^#\? *create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf &&
        apt-get install -qq -y --no-install-recommends postgresql >/dev/null && exit 0
fi
echo "No PostgreSQL here, so the tests of the store in Milvus will be skipped. To run them: apt-get install postgresql" >&2
[ -z "$CI" ] # under CI that is a failure
