"""What a case is after each event, one function an event; ``evolve`` gathers them."""
