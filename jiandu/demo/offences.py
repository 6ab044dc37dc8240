"""Stories that show every way in which a complaint costs points (JK-14…JK-17). They come first, whatever the size."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from jiandu.demo.courses import (
    alert,
    answered,
    close,
    design_change,
    explanation,
    general,
    general_engineering,
    invalid,
    major_engineering,
    pre_handover,
    property_company,
    property_handover,
    to_notice,
    works,
)
from jiandu.demo.script import DIRECTOR, GROUP_IMPORTER, OFFICER, Course, Story
from jiandu.demo.stage import (
    Stage,
    engineering,
    explaining,
    handed_over,
    major,
    other,
    property_matter,
    service,
    unfounded,
)

DISPUTED = "disputed"
"""Name of the complaint whose points are disputed."""

BACKGROUND = frozenset({"background"})
MOST = frozenset({"background", "cause", "progress", "support"})


def missed_steps(stage: Stage) -> Iterator[Story]:
    """Miss each step that has a deadline, at least once."""
    at, play = stage.at, partial(stage.play, answer=3)
    yield play(
        "late-engineering", "wuxi", at(7, 2), engineering("lift"), shirked, "facts plan notice rectify"
    )
    yield play(
        "late-general",
        "changsha",
        at(7, 2),
        service("title-deed"),
        general,
        "facts negotiate approve carry-out",
    )
    yield play(
        "late-pay", "changsha", at(9, 1), service("parking"), partial(general, way="payment-in-lieu"), "pay"
    )
    yield play("late-invalid", "wuxi", at(8, 4), unfounded("price-drop"), invalid, "facts explain")
    yield play("late-explanation", "changsha", at(8, 3), explaining("procedure"), explanation, "explain")
    yield play(
        "late-property",
        "changsha",
        at(8, 6),
        property_matter("", "water-supply"),
        property_company,
        "notice rectify",
    )
    yield play(
        "late-major",
        "wuxi",
        at(7, 18),
        major("beam-broken"),
        partial(major_engineering, deadlock=True, lacking=BACKGROUND),
        "facts report negotiate deadlock-report approve rectify",
        answer=0,
    )
    yield play(
        "unreported-major",
        "wuxi",
        at(9, 1),
        major("slab-dimensions"),
        partial(major_engineering, way="payment-in-lieu", reported=False),
        "pay",
        answer=0,
    )
    yield play(
        "late-handover",
        "wuxi",
        at(8, 31),
        handed_over("waterproofing"),
        partial(property_handover, lacking=MOST),
        "cause report agreement rectify",
        answer=0,
    )
    yield play(
        "late-handover-pay",
        "wuxi",
        at(8, 6),
        handed_over("tiles-panelling"),
        partial(property_handover, way="payment-in-lieu"),
        "pay",
    )
    yield play(
        "late-alert",
        "changsha",
        at(9, 3, 9),
        engineering("glass", "forum", ("reputation-risk",)),
        late_alert,
        "alert",
    )
    # What is no complaint costs no points, late or not.
    yield play(
        "late-mending",
        "changsha",
        at(8, 10),
        other("pre-handover-defect", "handover", "drawing"),
        pre_handover,
        "mend",
        answer=0,
        handover_on=at(8, 20),
    )
    yield play(
        "late-telling",
        "wuxi",
        at(8, 11),
        other("design-change", "design", "change"),
        design_change,
        "tell-owner",
        answer=0,
    )


def neglected(stage: Stage) -> Iterator[Story]:
    """Record late, or not in full, or never handle."""
    at, play = stage.at, stage.play
    # Ten days end in the same month, so the missed steps never cost anything of their own.
    yield play("never-handled", "wuxi", at(7, 3), engineering("railing"), _nothing, answer=0)
    # Ten days end in August: July's missed step is taken back there.
    yield play("never-handled-later", "wuxi", at(7, 27), engineering("security-door"), _nothing, answer=0)
    yield play(
        "registered-late",
        "changsha",
        at(7, 6),
        service("staff-attitude"),
        late_record,
        answer=3,
        after_h=(26, 30),
    )
    # Registered late costs three in July; with nothing done by August it costs ten, and the three come back.
    yield play(
        "neither", "wuxi", at(7, 26), property_matter("security"), _nothing, answer=0, after_h=(30, 34)
    )
    yield play(
        "incomplete",
        "wuxi",
        at(7, 5),
        engineering("glass"),
        general_engineering,
        answer=4,
        without=frozenset({"project", "demand"}),
    )
    yield play(
        "completed-in-time",
        "chongqing",
        at(7, 13),
        engineering("lift"),
        completed_record,
        answer=4,
        without=frozenset({"demand"}),
    )
    yield completed_too_late(stage)
    yield unreported_risk(stage)
    yield disputed(stage)


def _nothing(course: Course) -> None:
    """Do nothing at all."""


def shirked(course: Course) -> None:
    """Do everything late; the inspector finds that the officer shirked."""
    general_engineering(course)
    reason = "经办人以不属本岗位为由推诿，业主三次来电均未处理"
    inspected(course, "shirking", course.in_hours(course.received_at + timedelta(days=8)), reason)


def late_alert(course: Course) -> None:
    """Tell the leader and the group of a risk only the day after."""
    to_notice(course)
    alert(course)
    works(course)
    close(course)


def late_record(course: Course) -> None:
    """Handle in time what was registered too late."""
    course.procedure = "general"
    general(course, "explanation")


def completed_record(course: Course) -> None:
    """Fill in what the record lacks before its month ends."""
    registered = course.now
    course.wait(20, 30)
    course.amend(course.now, "补全客户诉求", demand="要求恢复运行并公示检修记录")
    course.now = registered
    general_engineering(course)


def completed_too_late(stage: Stage) -> Story:
    """Fill in what the record lacks when its month is over: it stays an offence of that month."""
    course = stage.registered(
        "completed-too-late",
        "changsha",
        stage.at(7, 28),
        engineering("doors-windows"),
        without=frozenset({"project"}),
    )
    general_engineering(course)
    course.amend(stage.at(8, 5), "补录项目名称", project="金科麓山境")
    return stage.tell(course)


def inspected(course: Course, kind: str, month_day: datetime, reason: str) -> None:
    """Let an inspector of the group find an offence about the case."""
    now, course.now = course.now, month_day
    body = {
        "at": month_day,
        "kind": kind,
        "unit": f"{course.site}-branch",
        "complaint_id": "{case}",
        "department": f"{course.site}-branch",
        "person": course.person(OFFICER),
        "evidence": [f"inspection-sheet:{course.name}"],
        "reason": reason,
    }
    course.call("scoring", "/v1/findings", body, account=GROUP_IMPORTER)
    course.now = now


def unreported_risk(stage: Stage) -> Story:
    """Tell nobody of a risk to reputation; the papers write about it."""
    course = stage.registered(
        "unreported-risk",
        "wuxi",
        stage.at(8, 20, 9),
        engineering("waterproofing", "media", ("reputation-risk", "major-event")),
    )
    to_notice(course)
    works(course)
    reason = "媒体已刊登负面报道，分部未按规定上报集团"
    inspected(course, "bad-press", stage.at(8, 27, 11), reason)
    return stage.tell(course)


def disputed(stage: Stage) -> Story:
    """Dispute what an inspector found. It was wrong: in August both sheets get back what July's lost."""
    course = stage.registered(DISPUTED, "wuxi", stage.at(7, 9), service("staff-attitude"))
    inspected(course, "shirking", stage.at(7, 17, 15), "巡检时业主称多次来电无人受理，经办人推诿")
    general(course)
    answered(course, 3)
    course.now = stage.at(8, 13, 11)
    said = {
        "at": course.now,
        "unit": f"{course.site}-branch",
        "upheld": True,
        "reasons": "通话录音表明经办人当日即已受理并答复，推诿不成立",
    }
    for rule in ("shirking", "hr-shirking"):
        course.call("scoring", "/v1/postings/{posting}/ruling", said, account=DIRECTOR[0], rule=rule)
    return stage.tell(course)
