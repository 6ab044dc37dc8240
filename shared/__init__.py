"""What every service shares: the event catalogue, the rulebook core, storage, messaging and the HTTP edge."""
