"""Counters of the message path."""

from prometheus_client import Counter, Gauge

LOGGED = Counter("jiandu_events_logged", "Events given a sequence and made durable in the log.")
PUBLISHED = Counter("jiandu_events_published", "Events that the broker confirmed.")
RESENT = Counter("jiandu_events_resent", "Events sent again from the log because a consumer missed them.")
UNROUTABLE = Counter("jiandu_events_unroutable", "Events that the broker had no queue for. Should stay 0.")
APPLIED = Counter("jiandu_events_applied", "Events whose effect was written.")
DUPLICATES = Counter("jiandu_events_duplicate", "Deliveries whose effect was there already.")
EARLY = Counter("jiandu_events_early", "Events kept until an earlier one of their subject arrives.")
RETRIED = Counter("jiandu_events_retried", "Events put in the retry queue.")
PARKED = Counter("jiandu_events_parked", "Events put aside for an operator.", ["reason"])
FORKS = Counter("jiandu_log_forks", "Two different events under one number of one source.")
GAPS = Gauge("jiandu_log_missing", "Numbers announced by a source that have not arrived.")
