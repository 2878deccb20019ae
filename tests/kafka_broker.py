"""A broker that speaks Kafka's protocol: the one that librdkafka carries for tests. `python kafka_broker.py FILE`.

Writes its address to the file and goes on until it is killed. What it keeps is in memory, and of each partition the last 5 MB.
"""

from __future__ import annotations

import sys
from pathlib import Path

from confluent_kafka import Producer

broker = Producer({"test.mock.num.brokers": 1})
(address,) = [f"{one.host}:{one.port}" for one in broker.list_topics(timeout=30).brokers.values()]
fresh = Path(f"{sys.argv[1]}.new")
fresh.write_text(address)
fresh.rename(sys.argv[1])
while True:
    broker.poll(1)
