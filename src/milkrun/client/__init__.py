"""The warm client: one long-lived, shared, pooled asynchronous HTTP client. It imports nothing else of Milkrun."""
