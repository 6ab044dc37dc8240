"""Stories that show every procedure and every turn that a case can take. They come first, whatever the size."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from jiandu.demo.courses import (
    accept,
    alert,
    answered,
    begin_works,
    close,
    design_change,
    explanation,
    find,
    from_the_facts,
    general,
    general_engineering,
    invalid,
    legal_letter,
    major_engineering,
    not_reached,
    pre_handover,
    property_company,
    property_handover,
    rectify,
    to_notice,
    works,
)
from jiandu.demo.script import DIRECTOR, GROUP_IMPORTER, HEAD, LEADER, OFFICER, SECOND, Course, Story
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
from jiandu.demo.texts import owner

PROBLEM_USER = "problem-user"
"""Name of the complaints, with a number behind it."""


def procedures(stage: Stage) -> Iterator[Story]:
    """Tell each procedure once as it should be (JK-02…JK-08, JK-20, JK-33, JK-34)."""
    at, play = stage.at, stage.play
    yield play("explanation", "chengdu", at(7, 2), explaining("fees"), explanation, answer=5)
    yield play("invalid", "chengdu", at(7, 3), unfounded("own-works"), invalid)
    yield play("general", "chongqing", at(7, 6), service("title-deed"), extended)
    yield play("general-in-lieu", "chongqing", at(7, 8), service("area-difference"), with_powers)
    yield play(
        "refused-result",
        "chengdu",
        at(7, 9),
        engineering("tiles-panelling"),
        partial(general_engineering, refused=True),
    )
    yield play("agreed-date", "chongqing", at(7, 10), engineering("doors-windows"), agreed_date)
    yield play("paused", "chengdu", at(8, 3), engineering("waterproofing"), paused)
    yield play(
        "deadlock", "chongqing", at(7, 7), major("beam-broken"), partial(major_engineering, deadlock=True)
    )
    yield play(
        "major-in-lieu",
        "chengdu",
        at(8, 5),
        major("slab-dimensions"),
        partial(major_engineering, way="payment-in-lieu"),
    )
    yield play(
        "major-explained",
        "chengdu",
        at(9, 3),
        major("beam-axis"),
        partial(major_engineering, way="explanation"),
    )
    yield play("property", "chengdu", at(7, 13), property_matter("", "lift"), property_company)
    yield play("handover", "chongqing", at(8, 10), handed_over("waterproofing"), property_handover)
    yield play(
        "handover-contractor",
        "changsha",
        at(7, 14),
        handed_over("glass"),
        partial(property_handover, liable="contractor"),
    )
    yield play(
        "handover-in-lieu",
        "chongqing",
        at(9, 2),
        handed_over("plaster-floor"),
        partial(property_handover, way="payment-in-lieu"),
    )
    yield play(
        "handover-explained",
        "chengdu",
        at(9, 7),
        handed_over("railing"),
        partial(property_handover, way="explanation"),
    )
    yield play(
        "risk",
        "chongqing",
        at(7, 16, 9),
        engineering("waterproofing", "media", ("reputation-risk", "major-event")),
        at_risk,
    )
    yield play("risk-later", "chengdu", at(8, 12, 9), engineering("infill-wall"), at_risk_later)
    yield play(
        "pre-handover",
        "chengdu",
        at(7, 15),
        other("pre-handover-defect", "handover", "alteration"),
        pre_handover,
        answer=0,
        handover_on=at(8, 5),
    )
    yield play(
        "design-change",
        "chongqing",
        at(7, 20),
        other("design-change", "design", "change"),
        design_change,
        answer=0,
    )
    yield play(
        "letter", "chengdu", at(7, 22), other("legal-letter", "letter", "变更通知"), legal_letter, answer=0
    )


def turns(stage: Stage) -> Iterator[Story]:
    """Tell how cases are withdrawn, merged, parted, transferred, reclassified, re-opened and appealed.

    And how somebody comes to be called a problem user.
    """
    at, play = stage.at, stage.play
    yield play("withdrawn", "chongqing", at(7, 21), service("parking"), withdrawn, answer=0)
    yield merged(stage)
    yield parted(stage)
    yield transferred(stage)
    yield play("reclassified", "changsha", at(8, 4), service("staff-attitude"), reclassified)
    yield play("reopened", "chongqing", at(7, 24), engineering("security-door"), reopened, answer=5)
    yield play(
        "reopened-explained", "chengdu", at(8, 24), explaining("warranty"), reopened_explanation, answer=4
    )
    yield appeal(stage, "appeal-upheld", "chongqing", (7, 22), upheld=True)
    yield appeal(stage, "appeal-refused", "changsha", (8, 6), upheld=False)
    yield play("finding-overturned", "chongqing", at(8, 17), service("sales-promise"), overturned)
    yield problem_user(stage)
    yield play("unreachable", "chengdu", at(8, 7), property_matter("noise"), unreachable, answer=0)
    yield play("not-called", "wuxi", at(7, 8), explaining("progress"), explanation, answer=0)


def extended(course: Course) -> None:
    """Give the leader's signature more time: the special case of JK-03."""
    course.procedure = "general"
    find(course, "facts", "情况属实", HEAD)
    from_the_facts(course, approved=_approve_later)


def _approve_later(course: Course) -> None:
    due = course.due("approve", course.now)
    course.wait(1, 4)
    course.do(
        "extend",
        LEADER,
        step="approve",
        due_before=due.replace(microsecond=0) + (due - course.received_at) / 4,
        reason="涉及两个部门会签，属特殊情况",
        asked_by=course.person(HEAD),
    )
    course.now = course.in_hours(due)
    course.do("approve-settlement", LEADER)


def with_powers(course: Course) -> None:
    """Use the six powers where their conditions are met (JK-30), and pay in lieu on a short deposit (JK-13)."""
    course.do("assign", HEAD, department=f"{course.site}-branch", person=course.person(SECOND))
    uses = (
        ("accept", "", "受理业主投诉"),
        ("investigate", "被调查人员已在取证资料上签字", "调阅测绘资料"),
        ("borrow-staff", "已与工程部负责人沟通", "借用测量员一名"),
        ("co-ordinate", "方案已确定并经公司领导同意", "协调财务部、工程部落实"),
        ("press", "", "督办测绘复核"),
        ("propose-penalty", "", "建议对延误的经办人限期改正"),
    )
    for power, condition, detail in uses:
        course.now += timedelta(minutes=4)
        course.do("use-power", HEAD, power=power, condition=condition, detail=detail)
    general(course, "payment-in-lieu", short_deposit=True)


def agreed_date(course: Course) -> None:
    """Fix a date with the owner; it replaces the table (JK-12). Then pause, as the owner is away."""
    to_notice(course)
    course.wait(2, 5)
    course.do(
        "agree-date",
        step="rectify",
        on=course.local(course.now + timedelta(days=33)).date(),
        evidence=course.paper("agreement"),
        reason="业主出差，约定八月中旬入户",
    )
    course.do("start-works")
    course.wait(20, 40)
    course.do("pause", LEADER, reason="no-access", asked_by=course.person(HEAD), note="业主不便入户")
    course.wait(70, 90)
    course.do("resume", note="业主已返回")
    course.since["works-start"] = course.since["notice"] = course.now
    rectify(course)
    accept(course)
    close(course)


def paused(course: Course) -> None:
    """Pause for the weather (JK-11)."""
    to_notice(course)
    begin_works(course)
    course.wait(20, 40)
    course.do("pause", LEADER, reason="weather", asked_by=course.person(HEAD), note="连续降雨，外墙不能施工")
    course.wait(90, 110)
    course.do("resume", note="天气转晴")
    rectify(course)
    accept(course)
    close(course)


def at_risk(course: Course) -> None:
    """Tell the leader and the group on the day, and take it up all levels (JK-07). Its cause is not known yet."""
    course.do("except-report", LEADER, step="alert", reason="当日原因尚未查明", asked_by=course.person(HEAD))
    course.now += timedelta(minutes=2)
    alert(course, frozenset({"cause"}))
    for level, reason in ((1, "涉及媒体"), (2, "请求公司领导支持"), (3, "请求集团协助")):
        course.do("escalate", HEAD, level=level, reason=reason)
    general_engineering(course)


def at_risk_later(course: Course) -> None:
    """Learn of the risk on the way; the day counts from there."""
    to_notice(course)
    course.wait(3, 5)
    course.since["flagged"] = course.now
    course.do("reclassify", HEAD, flags=["reputation-risk"], reason="业主准备集体投诉")
    alert(course)
    works(course)
    close(course)


def withdrawn(course: Course) -> None:
    """Let the owner withdraw."""
    course.procedure = "general"
    find(course, "facts", "情况属实")
    course.wait(3, 20)
    course.do("withdraw", reason="业主与销售部另行协商，撤回投诉")


def merged(stage: Stage) -> Story:
    """Let a second complaint about the same leak go on inside the first."""
    first = stage.registered("merged-1", "chengdu", stage.at(7, 23, 9), engineering("communications"))
    second = stage.registered("merged-2", "chengdu", stage.at(7, 23, 14), engineering("communications"))
    second.wait(1, 2)
    second.do("merge", HEAD, into="{merged-1}", reason="同一弱电井，同一原因")
    general_engineering(first)
    answered(first, 4)
    return stage.tell(first, second)


def parted(stage: Stage) -> Story:
    """Part what turned out to be two matters."""
    first = stage.registered("parted-1", "chongqing", stage.at(8, 13, 9), service("late-handover"))
    second = stage.registered("parted-2", "chongqing", stage.at(8, 13, 11), service("late-handover"))
    second.wait(1, 2)
    second.do("merge", HEAD, into="{parted-1}", reason="同一批次逾期交房")
    second.wait(2, 4)
    second.do("part", HEAD, reason="业主另有租金损失，需单独处理")
    for course in (first, second):
        general(course, "explanation")
        answered(course, 4)
    return stage.tell(first, second)


def transferred(stage: Stage) -> Story:
    """Hand a case to another subsidiary's branch; the owner's clocks do not stop."""
    course = stage.registered("transferred", "chengdu", stage.at(7, 28, 9), service("area-difference"))
    course.procedure = "general"
    find(course, "facts", "房屋属重庆公司项目")
    course.wait(1, 2)
    course.do(
        "transfer",
        DIRECTOR,
        account=GROUP_IMPORTER,
        to_unit="chongqing-branch",
        department="chongqing-branch",
        person="chongqing-officer-1",
        reason="属重庆公司项目，移交处理",
    )
    course.site = "chongqing"
    from_the_facts(course, "explanation")
    answered(course, 4)
    return stage.tell(course)


def reclassified(course: Course) -> None:
    """Find out that it is a matter of engineering after all."""
    course.wait(1, 3)
    course.item = "railing"
    course.do("reclassify", OFFICER, class_="general-engineering", item="railing", reason="实为栏杆松动")
    general_engineering(course)


def reopened(course: Course) -> None:
    """Go on after a dissatisfied callback: the works begin again."""
    general_engineering(course)
    answered(course, 2, "修过以后还是关不严")
    course.wait(1, 4)
    works(course)
    close(course)


def reopened_explanation(course: Course) -> None:
    """Explain once more, on the day of the callback."""
    explanation(course)
    answered(course, 1, "没有讲清楚")
    course.reach("explain")
    course.step("explain", HEAD, outcome="分部负责人再次当面解释")
    close(course)


def appeal(stage: Stage, name: str, site: str, day: tuple[int, int], *, upheld: bool) -> Story:
    """Appeal against a missed deadline; the group decides."""
    course = stage.registered(name, site, stage.at(*day), engineering("plaster-floor"), "plan")
    to_notice(course)
    notice = course.now
    course.wait(40, 60)
    said = "停电属实，方案原件日期在期限之内" if upheld else "无书面依据，维持原扣分"
    grounds = "当日停电，系统无法登记，方案已书面形成"
    appealed(course, "plan", grounds, upheld=upheld, reasons=said, after_h=(150, 170))
    course.now = notice
    works(course)
    close(course)
    answered(course, 4)
    return stage.tell(course)


def appealed(
    course: Course, against: str, grounds: str, *, upheld: bool, reasons: str, after_h: tuple[float, float]
) -> None:
    """Lodge an appeal; the group decides some hours later."""
    course.do("lodge-appeal", HEAD, against=against, grounds=grounds)
    course.wait(*after_h)
    course.do("decide-appeal", DIRECTOR, account=GROUP_IMPORTER, appeal="1", upheld=upheld, reasons=reasons)


def overturned(course: Course) -> None:
    """Appeal against a finding: somebody else finds anew."""
    course.procedure = "general"
    find(course, "facts", "宣传册不构成承诺", validity="invalid")
    course.wait(1, 3)
    reasons = "附件三有约定，认定有误"
    appealed(course, "finding", "合同附件有书面约定", upheld=True, reasons=reasons, after_h=(1, 3))
    course.wait(0.5, 1)
    course.do(
        "make-finding",
        SECOND,
        validity="valid",
        reason="合同附件有约定，情况属实",
        evidence=course.paper("facts-sheet"),
    )
    from_the_facts(course)


def problem_user(stage: Stage) -> Story:
    """Complain three times without cause, each time for money: two people then give it its name.

    The proposal is entered as of its day. The head of the branch decides as the story is played: whoever states
    a time is an importer, and the site's only one has proposed.
    """
    site, courses = "chengdu", list[Course]()
    # Nobody else's stories are about this owner.
    who = owner(site, 9_980, stage.rng(PROBLEM_USER))
    for number, day in enumerate((6, 13, 22), 1):
        course = stage.course(f"{PROBLEM_USER}-{number}", site, stage.at(7, day), unfounded("price-drop"))
        course.register(who)
        invalid(course)
        not_reached(course, 1, "refused")
        courses.append(course)
    course.wait(2, 5)
    evidence = {
        "fabrication": "三次所附的降价通知均系自制，销售部无此活动",
        "extortion": "通话录音：不退差价十二万元，就每周投诉一次",
    }
    course.call("intake", "/v1/customers/{customer}/flags", {"evidence": evidence, "at": course.now})
    said = {"confirmed": True, "reason": "三次投诉均无事实依据，录音与通知原件已核对"}
    course.call("intake", "/v1/customers/{customer}/flags/decision", said, account=course.person(HEAD))
    return stage.tell(*courses)


def unreachable(course: Course) -> None:
    """Try to call back as often as the plan asks, in vain."""
    property_company(course)
    not_reached(course, 3)
