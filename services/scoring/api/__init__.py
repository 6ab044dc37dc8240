"""Scoring over HTTP: what people record, what the facts come to, what was published."""

from services.scoring.api import records, scores

routers = (records.router, scores.router)
