"""Intake over HTTP."""

from services.intake.api import complaints, files, ledger, papers, partners

routers = (
    complaints.direct,
    complaints.router,
    *files.routers,
    ledger.router,
    papers.router,
    partners.router,
)
