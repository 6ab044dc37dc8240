"""The rulebook core: calendars, limits, clocks, rules and scores, as pure functions of what they are given.

Nothing here reads a file, a clock or chance, except ``load``, which is the one door for files.
"""
