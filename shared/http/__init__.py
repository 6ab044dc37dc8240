"""The HTTP edge: problem details, callers, pages, idempotency."""
