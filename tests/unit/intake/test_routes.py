"""Claims about how intake declares its routes."""

from typing import Any

import pytest

from services.intake.app import create_app


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return create_app().openapi()


def test_the_fast_route_is_declared_like_any_other(schema: dict[str, Any]) -> None:
    """INVARIANT: what the schema says of registering is what the route does.

    What breaks it: serving the route beside the application instead of inside it.
    """
    registering = schema["paths"]["/v1/complaints"]["post"]

    assert registering["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith(
        "/NewComplaint"
    )
    assert "Idempotency-Key" in [parameter["name"] for parameter in registering["parameters"]]
    assert {"200", "201", "401", "403", "404", "409", "422", "503"} <= set(registering["responses"])
    assert registering["security"] == [{"HTTPBearer": []}]


def test_every_command_asks_for_an_idempotency_key(schema: dict[str, Any]) -> None:
    commands = [
        (path, [parameter["name"] for parameter in routes["post"].get("parameters", ())])
        for path, routes in schema["paths"].items()
        if "post" in routes
        and path.startswith("/v1/")
        and not path.startswith(("/v1/session", "/v1/operations"))
    ]
    own = [names for path, names in commands if path.split("/")[2] in OWN]

    assert len(own) == 11
    assert ["Idempotency-Key" in names for names in own] == [True] * len(own)


OWN = {"complaints", "customers", "products", "praises", "imports"}
