"""The two pages of every service for people: ``/`` says what answers here, ``/docs`` lets its API be tried.

Everything they load comes from the service itself; the browser is told to load nothing else.
"""

from html import escape
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException

from shared.http.parameters import only_known_parameters
from shared.service.context import ServiceContext
from shared.service.entry import Context

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of both pages. Swagger UI draws its signs as ``data:``."""

INSTALLED = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
"""Files of Swagger UI, as the package fastapi-offline carries them."""
_STATIC = files("fastapi_offline") / "static"

OWN = {
    "page.css": (
        "text/css",
        "body { font: 1rem/1.6 sans-serif; margin: 2rem auto; max-width: 40rem; padding: 0 1rem; }\n",
    ),
    "start.js": (
        "text/javascript",
        # Without a validator, which would be asked from elsewhere.
        'SwaggerUIBundle({ url: "openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null });\n',
    ),
}
"""Files of our own beside them: media type and content."""

# Addresses are relative, so that a proxy may put a service below a path of its own.
_HEAD = """\
<!DOCTYPE html>
<html lang="zh">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>监督 Jiandu {name}</title>
<link rel="stylesheet" href="docs/{style}">
</head>
"""
_FRONT = """\
<body>
<h1>监督 Jiandu · {name}</h1>
<p>集团 {group}，站点 {site}：{ready_zh}。</p>
<p lang="en">Group {group}, site {site}: {ready_en}.</p>
<ul>
<li><a href="docs">/docs</a> 接口说明，可试用 · the API, to read and try</li>
<li><a href="openapi.json">/openapi.json</a> 接口定义 · its definition</li>
<li><a href="health/ready">/health/ready</a> 是否就绪 · whether it can work, and what it waits for</li>
<li><a href="metrics">/metrics</a> 运行指标 · figures for Prometheus</li>
</ul>
</body>
</html>
"""
_DOCS = """\
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""


async def described(context: Context) -> ServiceContext:
    """Return the service; where its pages are off, answer as where there is nothing."""
    if not context.settings.api_pages:
        raise HTTPException(404)
    return context


router = APIRouter(include_in_schema=False, dependencies=[Depends(only_known_parameters)])
Shown = Annotated[ServiceContext, Depends(described)]


@router.get("/")
async def front_page(context: Shown) -> HTMLResponse:
    """Name the service, say whether it is ready, and where to go on."""
    missing = await context.ready()
    waits = "; ".join(missing.values())
    body = _FRONT.format(
        name=escape(context.service),
        group=escape(context.settings.group),
        site=escape(context.settings.site),
        ready_zh="未就绪" if missing else "已就绪",
        ready_en=f"not ready. {escape(waits.rstrip('.'))}" if missing else "ready",
    )
    return _page(context, "page.css", body)


@router.get("/docs")
async def docs(context: Shown) -> HTMLResponse:
    """Show every route, with a form to try it."""
    return _page(context, "swagger-ui.css", _DOCS)


@router.get("/docs/{asset}", dependencies=[Depends(described)])
async def asset(asset: str) -> Response:
    """Give a file that the pages load."""
    if asset in OWN:
        kind, text = OWN[asset]
        return Response(text, media_type=kind)
    if asset in INSTALLED:
        return FileResponse(str(_STATIC / asset), media_type=INSTALLED[asset])
    raise HTTPException(404)


def _page(context: ServiceContext, style: str, body: str) -> HTMLResponse:
    head = _HEAD.format(name=escape(context.service), style=style)
    return HTMLResponse(head + body, headers={"Content-Security-Policy": POLICY})
