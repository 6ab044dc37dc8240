"""The demo: one quarter of a group, made up by a seed and entered through the real HTTP API."""
