"""What a process runs on: the clock, random names, settings, logging, supervised tasks."""
