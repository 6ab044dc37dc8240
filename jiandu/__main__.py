"""``python -m jiandu``: the same as the command ``jiandu``."""

from jiandu.cli import main

main()
