"""How a complaint goes through each procedure of the regulation (JK-02…JK-08, JK-20, JK-33, JK-34).

A course starts registered and ends with the closed file. Papers, signatures and persons are those that the
rulebook asks for.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from jiandu.demo.script import HEAD, LEADER, OFFICER, PROPERTY, SECOND, Course, Hand

ELEMENTS = ("customer", "background", "cause", "process", "progress", "support")
"""What the report of a major complaint holds (JK-17)."""

_SHORT = timedelta(hours=30)


def close(course: Course, outcome: str = "已办结") -> None:
    """Close the file."""
    course.wait(0.5, 6)
    course.do("close", HEAD, outcome=outcome)


def find(course: Course, step: str, reason: str, hand: Hand = OFFICER, **more: Any) -> None:  # noqa: ANN401  # whatever the command takes
    """Find what the complaint is; it completes the step of the facts."""
    course.reach(step, course.since["receipt"])
    more = {"validity": "valid", **more}
    course.do("make-finding", hand, reason=reason, evidence=course.paper("facts-sheet"), **more)


def explanation(course: Course) -> None:
    """Explain at the reception (JK-10)."""
    course.procedure = "explanation"
    course.reach("explain", course.since["receipt"])
    course.step("explain", outcome="当面解释，业主理解")
    close(course)


def invalid(course: Course) -> None:
    """Investigate, find it invalid, explain (JK-02)."""
    course.procedure = "invalid"
    find(course, "facts", "投诉事项不属于法定或公司承诺的责任范围", validity="invalid")
    course.reach("explain")
    course.step("explain", evidence=course.paper("explanation-note"), outcome="已联系业主耐心解释")
    close(course, "无效投诉，已解释")


def settle(course: Course, way: str, *, short_deposit: bool = False) -> None:
    """Agree with the owner how the matter is settled."""
    terms: dict[str, Any] = {}
    if way == "payment-in-lieu":
        amount = Decimal(course.rng.randrange(1_000, 9_000, 100))
        terms = {
            "amount": str(amount),
            "deposit": str(amount / 2 if short_deposit else amount * 4),
            "owner_consents": True,
            "reason": "整改会破坏已完成的装修，业主同意折价",
        }
    course.do(
        "propose-settlement",
        HEAD,
        way=way,
        evidence=course.paper("agreement"),
        signatures={"owner": [f"sign:{course.name}/agreement"]},
        **terms,
    )


def approve(course: Course) -> None:
    """Let the subsidiary's leader sign."""
    course.reach("approve")
    course.do("approve-settlement", LEADER)


def pay(course: Course) -> None:
    """Pay in lieu of rectification (JK-10)."""
    course.reach("pay")
    course.step("pay", evidence=course.paper("payment-slip"), outcome="整改折价费已支付")


def general(course: Course, way: str = "rectification", *, short_deposit: bool = False) -> None:
    """Go through a general complaint (JK-03)."""
    course.procedure = "general"
    find(course, "facts", "情况属实")
    from_the_facts(course, way, short_deposit=short_deposit)


def from_the_facts(
    course: Course,
    way: str = "rectification",
    *,
    approved: Callable[[Course], None] = approve,
    short_deposit: bool = False,
) -> None:
    """Go from the facts of a general complaint to the closed file."""
    course.reach("negotiate", course.since["facts"])
    settle(course, way, short_deposit=short_deposit)
    approved(course)
    if way == "payment-in-lieu":
        pay(course)
    else:
        course.reach("carry-out")
        course.step("carry-out", outcome="按协议处理完毕")
    close(course)


def works(course: Course, *, refused: bool = False) -> None:
    """Rectify from the notice on: the works begin, end, and the owner accepts (JK-04, JK-11)."""
    begin_works(course)
    rectify(course)
    if refused:
        course.wait(2, 20)
        course.do("refuse-result", reason="复验仍不合格，业主拒绝验收")
        course.reach("rectify")
        course.step("rectify", person=course.person(("engineer", "engineer")), outcome="重新整改完成")
    accept(course)


def begin_works(course: Course) -> None:
    """Begin the works. Civil works count from here."""
    rules = course.edition.at(course.received_at)
    row = rules.limits.tables["rectification"].rows[course.item]
    course.since["notice"] = course.now
    if row.limit.days and timedelta(days=row.limit.days) > _SHORT * 2:
        course.wait(2, 30)
    else:
        course.wait(0.5, 3)
    course.do("start-works")
    course.since["works-start"] = course.now


def rectify(course: Course) -> None:
    """Complete the rectification."""
    rules = course.edition.at(course.received_at)
    counts_from = rules.limits.tables["rectification"].rows[course.item].counts_from
    course.reach("rectify", course.since[counts_from])
    course.step("rectify", person=course.person(("engineer", "engineer")), outcome="整改完成")


def accept(course: Course) -> None:
    """Let the owner accept the result, once it meets the standard."""
    course.wait(2, 40)
    course.do(
        "accept-result",
        standard_met=True,
        evidence=course.paper("acceptance-sheet"),
        signatures={"owner": [f"sign:{course.name}/acceptance"]},
        outcome="符合国家标准，业主验收满意",
    )


def to_notice(course: Course) -> None:
    """Go through a general engineering complaint as far as the rectification notice (JK-04)."""
    course.procedure = "general-engineering"
    find(course, "facts", "经现场核实，属工程质量问题", item=course.item)
    course.reach("plan")
    course.step("plan", evidence=course.paper("rectification-plan"))
    course.reach("notice")
    course.step("notice", evidence=course.paper("rectification-notice"))


def general_engineering(course: Course, *, refused: bool = False) -> None:
    """Go through a general complaint of engineering quality (JK-04)."""
    to_notice(course)
    works(course, refused=refused)
    close(course)


def report(course: Course, step: str, lacking: frozenset[str] = frozenset()) -> None:
    """Send the report of a major complaint (JK-17)."""
    course.step(step, HEAD, elements=[one for one in ELEMENTS if one not in lacking])


def major_engineering(
    course: Course,
    way: str = "rectification",
    *,
    deadlock: bool = False,
    reported: bool = True,
    lacking: frozenset[str] = frozenset(),
) -> None:
    """Go through a major complaint of engineering quality (JK-05).

    Args:
        deadlock: No agreement within 15 days, so a written report is due.
        reported: Whether the same-day report is sent; without it the file stays open.
        lacking: Elements that the reports lack.
    """
    course.procedure = "major-engineering"
    find(course, "facts", "经现场核实，属重大工程质量问题", item=course.item)
    facts = course.now
    if reported:
        course.reach("report", facts)
        report(course, "report", lacking)
    course.reach("negotiate", facts)
    course.step("negotiate", HEAD, outcome="已与业主协商处理方案")
    if deadlock:
        course.now = course.in_hours(facts + timedelta(days=14))
        course.reach("deadlock-report", facts)
        report(course, "deadlock-report", lacking)
    course.wait(4, 40)
    settle(course, way)
    approve(course)
    settled(course, way)
    if reported:
        close(course)


def settled(course: Course, way: str) -> None:
    """Do what was agreed on a major matter."""
    if way == "payment-in-lieu":
        pay(course)
    elif way == "explanation":
        course.wait(2, 20)
        course.step("explain", evidence=course.paper("explanation-note"))
    else:
        course.wait(1, 12)
        course.step("notice", evidence=course.paper("rectification-notice"))
        works(course)


def property_company(course: Course) -> None:
    """Pass a matter on to the property company and follow it (JK-06)."""
    course.procedure = "property-company"
    course.reach("notice", course.since["receipt"])
    course.step(
        "notice",
        evidence=course.paper("transfer-sheet"),
        signatures={"property-company": [course.person(PROPERTY)]},
    )
    if course.item:
        begin_works(course)
        rectify(course)
    course.wait(12, 60)
    course.step("result", PROPERTY, outcome="物管公司已处理完毕")
    close(course)


def property_handover(
    course: Course,
    way: str = "rectification",
    *,
    liable: str = "developer",
    lacking: frozenset[str] = frozenset(),
) -> None:
    """Go through a major complaint that the property company handed over (JK-08)."""
    course.procedure = "property-handover"
    reason = "经与工程部、承建商会同查明原因"
    find(course, "cause", reason, item=course.item, liable=liable)
    cause = course.now
    course.reach("report", cause)
    report(course, "report", lacking)
    if liable != "developer":
        course.wait(1, 20)
        course.step("explain", evidence=course.paper("explanation-note"), outcome="非开发商责任，已解释")
        close(course)
        return
    course.reach("agreement", cause)
    settle(course, way)
    if way == "payment-in-lieu":
        course.wait(2, 20)
        course.do("approve-settlement", LEADER)
        pay(course)
    elif way == "explanation":
        course.wait(2, 20)
        course.step("explain-agreed", evidence=course.paper("explanation-note"))
    else:
        course.wait(1, 12)
        course.step(
            "notice",
            evidence=course.paper("rectification-plan"),
            signatures={"owner": [f"sign:{course.name}/plan"]},
        )
        works(course)
    close(course)


def alert(course: Course, lacking: frozenset[str] = frozenset()) -> None:
    """Tell leader and group centre of a risk to reputation (JK-07)."""
    course.reach("alert", course.since.get("flagged", course.since["receipt"]), "reputation-risk")
    report(course, "alert", lacking)


def pre_handover(course: Course) -> None:
    """Mend a defect before the handover (JK-34)."""
    course.procedure = "pre-handover-defect"
    course.reach("mend", course.since["receipt"])
    course.step("mend", ("desk-1-officer", "desk-officer"), outcome="接房前已整改完成")
    close(course)


def design_change(course: Course) -> None:
    """Tell the owner of a design change in writing, and pass the answer on (JK-20)."""
    course.procedure = "design-change"
    hand: Hand = ("desk-1-officer", "desk-officer")
    course.reach("tell-owner", course.since["receipt"])
    course.step("tell-owner", hand, evidence=course.paper("written-notice"))
    course.wait(20, 70)
    course.step("feedback", hand, outcome="客户意见已提交设计部")
    close(course)


def legal_letter(course: Course) -> None:
    """Check a letter before it goes out (JK-33)."""
    course.procedure = "legal-letter"
    course.wait(0.5, 4)
    course.step("check", SECOND, evidence=course.paper("letter"), person=course.person(SECOND))
    course.wait(0.5, 8)
    course.step("send", OFFICER, outcome="已发出")
    close(course)


def answered(course: Course, satisfaction: int, opinion: str = "") -> None:
    """Call back, and get an answer."""
    course.wait(4, 70)
    course.attempt("completed", satisfaction, opinion)


def not_reached(course: Course, times: int, outcome: str = "unreachable") -> None:
    """Call back in vain, some hours apart."""
    for _ in range(times):
        course.wait(5, 30)
        course.attempt(outcome)
