"""Who there is and who may do what: directory, accounts, sessions, rights, and the vault of personal data."""
