"""Intake over HTTP."""

from services.intake.api import complaints, files, ledger

routers = (complaints.direct, complaints.router, files.router, ledger.router)
