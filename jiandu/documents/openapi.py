"""The OpenAPI description of every service, as its routes declare it: ``docs/openapi/<service>.json``."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from jiandu.stack.server import ROOT

FOLDER = ROOT / "docs" / "openapi"
SERVICES = ("registry", "intake", "handling", "callback", "scoring")


def described(service: str) -> dict[str, Any]:
    """Return what a service's application says of its routes. Nothing is started for it."""
    # By name, for the command line stands above no service's application; only its description goes through here.
    app: FastAPI = import_module(f"services.{service}.app").create_app()
    return app.openapi()


def page(service: str) -> str:
    """Return the content of a service's file."""
    return json.dumps(described(service), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def file_of(service: str) -> Path:
    """Return where a service's description is kept."""
    return FOLDER / f"{service}.json"


def write() -> None:
    """Write the description of every service."""
    FOLDER.mkdir(exist_ok=True)
    for service in SERVICES:
        file_of(service).write_text(page(service), encoding="utf-8")
