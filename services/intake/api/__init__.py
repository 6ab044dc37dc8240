"""Intake over HTTP."""

from services.intake.api import complaints, files, ledger, papers, partners

routers = (complaints.direct, complaints.router, files.router, ledger.router, papers.router, partners.router)
