"""No route answers who may not ask: as declared, and tried on the running services."""

from shared.rulebook.schema.rights_list import RIGHTS
from shared.service.app import OPEN_ROUTES
from tests.architecture.route_walk import ABOUT_NO_OTHER_UNIT, ASKED, SERVICES, routes

KEYLESS = {
    "/v1/session": "makes no fact; a second session does no harm",
    "/v1/units": "the unit's own name is the key: the same record again changes nothing, another is a conflict",
    "/v1/units/{unit}/activation": "a unit begins once: again changes nothing",
    "/v1/units/{unit}/records": "unit and day are the key: the same again changes nothing",
    "/v1/trainings": "person, course and day are the key: another result is a conflict",
    "/v1/people/{person}/leaving": "a person leaves once: the same day again changes nothing, another is a conflict",
    "/v1/deputies": "person, role, deputy and days are the key: the same again changes nothing",
    "/v1/units/{unit}/closing": "a unit closes once: the same day again changes nothing, another is a conflict",
    "/v1/appointments": "person, unit, role and day are the key: the same again changes nothing, under another name a conflict",
    "/v1/opinions": "the opinion's own name is the key: other contents are a conflict",
    "/v1/rulings": "the ruling's own name is the key: other contents are a conflict",
    "/v1/accounts": "the account's own name is the key, for ever: the same again changes nothing, else a conflict",
    "/v1/accounts/{account}/revocation": "revoked is revoked, however often",
    "/v1/editions": "an edition's hash is the key: while it waits it is answered as before, in force it is a conflict",
    "/v1/editions/{edition_hash}/approval": "a person approves once in each chain; again is a conflict",
    "/v1/editions/{edition_hash}/rejection": "a draft is rejected once; again is a conflict",
    "/v1/editions/{edition_hash}/filing": "a text is filed once with a body: again changes nothing",
    "/v1/overlays": "what own norms are called is the key: the same again is answered as before, another is a conflict",
    "/v1/overlays/{overlay}/ending": "own norms end once: the same day again changes nothing, another is a conflict",
    "/v1/partners/{channel}/outbox/{message_id}/receipt": "what was passed on stays so, however often",
    "/v1/ledger": "the file's hash and the row are the key of each registration",
    "/v1/campaigns/{campaign_id}/draw": "a lot is drawn once; again changes nothing",
    "/v1/tasks/claim": "who holds a task gets that one again",
    "/v1/tasks/{complaint_id}/release": "free is free, however often",
    "/v1/operations/parked/replay": "makes no fact; what is no longer parked is passed over",
    "/v1/operations/parked/discard": "what is no longer parked is passed over",
    "/v1/operations/log/verify": "only reads",
}
"""Commands without an idempotency key, with what makes a repetition harmless."""

ANY_SESSION = {
    "/v1/positions": "how far logs reach, by number",
    "/v1/units": "the caller's own subtree",
    "/v1/editions": "the rulebooks are everyone's to know",
    "/v1/editions/{edition_hash}": "and so is who approved them",
    "/v1/editions/{edition_hash}/files": "and so is what they say, drafts too",
    "/v1/overlays": "and so are the norms that units filed",
}
"""What every signed-in person may read."""


def test_every_service_has_its_routes() -> None:
    counted = {service: sum(route.service == service for route in routes()) for service in SERVICES}

    assert {service for service, count in counted.items() if count > 8} == set(SERVICES)


def test_only_open_routes_answer_without_a_session() -> None:
    """INVARIANT: a route asks for a right unless it is listed as open.

    What breaks it: a new route whose signature has no ``needs(…)``.
    """
    assert {route.path for route in routes() if route.right is None} == OPEN_ROUTES


def test_only_listed_routes_are_content_with_any_session() -> None:
    assert {route.path for route in routes() if route.right == ""} == ANY_SESSION.keys()
    assert {route.method for route in routes() if route.right == ""} == {"GET"}


def test_every_right_that_a_route_asks_for_can_be_given() -> None:
    """INVARIANT: no route is shut to everyone.

    What breaks it: a right that ``rights_list`` does not have, so that no rulebook can give it.
    """
    assert {route.right for route in routes() if route.right} - RIGHTS == set()


def test_every_command_takes_an_idempotency_key() -> None:
    """INVARIANT: a repeated command makes no second fact.

    What breaks it: a POST without the key that nothing else identifies.
    """
    keyless = {
        route.path for route in routes() if route.method == "POST" and "Idempotency-Key" not in route.headers
    }

    assert keyless == KEYLESS.keys()


def test_nothing_can_be_deleted_or_replaced_in_part() -> None:
    """INVARIANT: history is never edited (QS-10).

    What breaks it: a DELETE or PATCH route.
    """
    assert {route.method for route in routes()} == {"GET", "POST", "PUT"}
    assert [route.path for route in routes() if route.method == "PUT"] == ["/v1/customers/{customer}"]


def test_the_walk_knows_how_to_call_every_command() -> None:
    commands = {route.name for route in routes() if route.method in {"POST", "PUT"}}

    assert commands == {name for name in ASKED if " GET " not in name} | ABOUT_NO_OTHER_UNIT.keys()
