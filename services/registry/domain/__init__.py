"""Pure: what may be written into the group's register, and the event that tells it."""
