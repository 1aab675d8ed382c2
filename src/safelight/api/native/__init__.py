"""The native face under `/v1`."""
