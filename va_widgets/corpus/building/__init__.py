"""A build: every source becomes a shard of its own, then all shards become the corpus."""
