"""Callback over HTTP."""

from services.callback.api import calls, campaigns

routers = (calls.router, campaigns.router)
