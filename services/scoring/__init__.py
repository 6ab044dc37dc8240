"""Scoring: facts, postings, scorecards, rankings, published periods."""
