"""The commands about rulebooks and their editions."""
