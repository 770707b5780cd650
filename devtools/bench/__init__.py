"""Latency, throughput and cost beside other designs of the same job."""
