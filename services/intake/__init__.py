"""Intake: complaints, customers, products and the ledger of one subsidiary."""
