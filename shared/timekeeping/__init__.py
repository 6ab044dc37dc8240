"""The time core: calendars, limits, clocks and periods, each of which can explain itself. Pure."""
