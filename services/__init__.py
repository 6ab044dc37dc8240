"""The services, each with its own process, database and queue. They meet only in events."""
