"""Scoring over HTTP: what people record, what the facts come to, what was published."""

from services.scoring.api import disputes, records, scores

routers = (records.router, disputes.router, scores.agenda, scores.router)
