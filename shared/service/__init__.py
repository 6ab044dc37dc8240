"""A running service, wired: its context, its application, the routes of its operators."""
