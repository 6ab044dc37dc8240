"""Pure: what may be registered, who the customers are, and what the ledger says."""
