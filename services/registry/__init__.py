"""Registry: the organisation, people, accounts and rulebook editions of the group."""
