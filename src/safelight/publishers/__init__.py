"""Who serves copies: clients of CDNs and buckets behind one protocol (`base`)."""
