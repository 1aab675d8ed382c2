"""The OpenAI Images face: what the official SDKs ask, in their words, under `/openai/v1`."""
