"""How the embedded reader is trained, from public data whose licence allows that; `python -m bench.reader.train`."""
