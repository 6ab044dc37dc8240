"""The four branches of the demo: what each is like, and so what comes round, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import Any

from jiandu.demo.script import GROUP_IMPORTER, Call, Service, Story
from jiandu.demo.stage import FIRST, Stage
from jiandu.demo.texts import owner
from shared.timekeeping.calendar import DAY
from shared.timekeeping.periods import Period

ALL = ("cases", "causes", "shortcomings", "proposals")
"""Sections of the analysis report (JK-28)."""

Report = tuple[int, tuple[str, ...]]
"""Day of the month on which it is sent, and the sections it holds. Day 0: never sent."""

GOOD: Report = (4, ALL)


@dataclass(frozen=True, slots=True)
class Habits:
    """What a branch is like. Numbers by month are for July, August and September.

    Attributes:
        share: Of all complaints, in percent.
        missed: Step deadlines missed beside those of the stories that show each kind.
        unhandled: Complaints that are never handled.
        incomplete: Records that lack fields.
        registered_late: Complaints registered more than a day late.
        answers: Weights of the answers 1 to 5 at callbacks.
        marks: What inspections see of staff (8), office (1) and management (6), each about.
        weeks_missed: Weeks of the quarter, from 0, in which the sales desks were not inspected.
        reports: Analysis reports on June, July and August.
        proposals: Months with a proposal.
        archives: Aspects of the archives that fail, by month.
    """

    share: int
    missed: tuple[int, int, int]
    unhandled: tuple[int, int, int]
    incomplete: tuple[int, int, int]
    registered_late: tuple[int, int, int]
    answers: tuple[int, int, int, int, int]
    marks: tuple[float, float, float]
    weeks_missed: frozenset[int] = frozenset()
    reports: tuple[Report, Report, Report] = (GOOD, GOOD, GOOD)
    proposals: frozenset[int] = frozenset({7, 8, 9})
    archives: Mapping[int, tuple[str, ...]] | None = None


HABITS: Mapping[str, Habits] = {
    "chongqing": Habits(
        share=34,
        missed=(1, 4, 3),
        unhandled=(0, 0, 0),
        incomplete=(0, 1, 0),
        registered_late=(1, 0, 1),
        answers=(1, 3, 14, 44, 38),
        marks=(6.9, 0.9, 5.1),
        weeks_missed=frozenset({6}),
    ),
    "chengdu": Habits(
        share=27,
        missed=(1, 1, 1),
        unhandled=(0, 0, 0),
        incomplete=(0, 0, 1),
        registered_late=(0, 0, 0),
        answers=(0, 2, 9, 42, 47),
        marks=(7.6, 1.0, 5.7),
        reports=((4, ("cases", "causes", "proposals")), GOOD, GOOD),
        archives={9: ("findable",)},
    ),
    "changsha": Habits(
        share=18,
        missed=(2, 2, 4),
        unhandled=(0, 0, 0),
        incomplete=(1, 2, 1),
        registered_late=(1, 1, 1),
        answers=(2, 5, 23, 43, 27),
        marks=(6.4, 0.8, 4.6),
        weeks_missed=frozenset({3, 9, 10}),
        reports=(GOOD, (5, ALL), (5, ("cases", "causes", "shortcomings"))),
        proposals=frozenset({7, 8}),
    ),
    # Its head left in June: reports late, then not at all, and the cases lie.
    "wuxi": Habits(
        share=21,
        missed=(2, 3, 5),
        unhandled=(0, 1, 1),
        incomplete=(1, 1, 2),
        registered_late=(2, 2, 3),
        answers=(4, 10, 34, 36, 16),
        marks=(5.2, 0.6, 3.4),
        weeks_missed=frozenset({1, 2, 4, 5, 7, 8, 9, 11, 12}),
        reports=((8, ("cases", "shortcomings", "proposals")), (0, ()), (9, ("cases", "causes"))),
        proposals=frozenset({8}),
        archives={7: ("timely",), 8: ("timely", "findable"), 9: ("timely", "accurate", "findable")},
    ),
}

DESKS = {
    "chongqing": ("desk-1", "desk-2"),
    "chengdu": ("desk-1", "desk-2"),
    "changsha": ("desk-1",),
    "wuxi": ("desk-1",),
}

# The supervisors were all at the quarter's training; what was not inspected keeps full marks (JK-15).
_NOT_INSPECTED = {("changsha", 8)}


@dataclass(slots=True)
class Rounds:
    """What comes round for one branch, or for the group centre."""

    stage: Stage
    site: str
    rng: Random
    calls: list[Call]

    def enter(
        self, service: Service, path: str, at: datetime, body: Mapping[str, Any], account: str = ""
    ) -> None:
        """Enter something with a service."""
        account = account or f"{self.site}-importer"
        key = f"{self.site}/rounds/{len(self.calls) + 1}"
        self.calls.append(Call(at, service, self.site, account, path, body, key))

    def record(self, path: str, at: datetime, account: str = "", **body: Any) -> None:  # noqa: ANN401  # whatever the record takes
        """Record something at scoring."""
        self.enter("scoring", f"/v1/{path}", at, {"at": at, **body}, account)

    def duty(
        self,
        obligation: str,
        unit: str,
        period: str,
        at: datetime,
        account: str = "",
        **more: Any,  # noqa: ANN401  # whatever the record takes
    ) -> None:
        """Fulfil a duty that comes round."""
        self.record("duties", at, account, obligation=obligation, unit=unit, period=period, **more)

    def at(self, day: date, hour: float) -> datetime:
        """Return a local moment, not quite at the hour."""
        return self.stage.at(day.month, day.day, hour + self.rng.uniform(0, 0.9))

    def story(self) -> Story:
        """Return it all, in order of time, as far as the time that is played."""
        known = [call for call in self.calls if call.at < self.stage.before]
        return Story(f"{self.site}/rounds", self.site, tuple(sorted(known, key=lambda call: call.at)))


def rounds_of(site: str, stage: Stage) -> Story:
    """Tell the inspections, reports, proposals and assessments of a branch."""
    rounds = Rounds(stage, site, stage.rng(f"{site}/rounds"), [])
    habits = HABITS[site]
    for week, monday in enumerate(_mondays()):
        _week(rounds, habits, week, monday)
    for at in range(3):
        _month(rounds, habits, at)
    _praise(rounds)
    return rounds.story()


def _mondays() -> list[date]:
    """Return the Mondays of the ISO weeks that belong to the quarter: a week is its Thursday's."""
    thursday = FIRST + DAY * ((3 - FIRST.weekday()) % 7)
    mondays = []
    while thursday.month < FIRST.month + 3:
        mondays.append(thursday - DAY * 3)
        thursday += DAY * 7
    return mondays


def _week(rounds: Rounds, habits: Habits, week: int, monday: date) -> None:
    site, rng = rounds.site, rounds.rng
    thursday = monday + DAY * 3
    if (site, thursday.month) not in _NOT_INSPECTED:
        seen = [_mark(rng, mark, most) for mark, most in zip(habits.marks, (8, 1, 6), strict=True)]
        rounds.record(
            "inspections",
            rounds.at(thursday, 9 + rng.randrange(7)),
            GROUP_IMPORTER,
            kind="weekly-branch",
            unit=f"{site}-branch",
            observations=dict(zip(("staff", "office", "management"), seen, strict=True)),
            fields={"co-operation": "人事行政部反映：与工程部配合正常", "week-plan": "周计划基本完成"},
            evidence=[f"inspection-sheet:{site}/{thursday.isoformat()}"],
        )
    if week not in habits.weeks_missed:
        for desk in DESKS[site]:
            rounds.record(
                "inspections",
                rounds.at(thursday + DAY, 10),
                kind="weekly-sales-desk",
                unit=f"{site}-{desk}",
                fields={"guidance": "抽查接待记录，指导填写投诉登记表"},
            )


def _mark(rng: Random, mark: float, most: int) -> str:
    """Return what an inspector sees, in half points; of the one point for the office, in fifths."""
    steps = 5 if most == 1 else 2
    seen = round((mark + rng.uniform(-0.4, 0.4) * min(most, 2) / 2) * steps) / steps
    return str(max(0.0, min(float(most), seen)))


def _month(rounds: Rounds, habits: Habits, at: int) -> None:
    site, month = rounds.site, FIRST.month + at
    branch = f"{site}-branch"
    day, sections = habits.reports[at]
    if day:
        period = f"{FIRST.year}-{month - 1:02d}"
        text = f"{month - 1}月客户投诉分析报告"
        when = rounds.at(date(FIRST.year, month, day), 15)
        rounds.duty("analysis-report", branch, period, when, sections=sections, text=text)
    this = f"{FIRST.year}-{month:02d}"
    if month in habits.proposals:
        text = "建议在接房前增加一次门窗五金件逐户检查。"
        when = rounds.at(date(FIRST.year, month, 21 + at), 11)
        rounds.duty("proposal", branch, this, when, sections=["proposal"], text=text)
    failed = (habits.archives or {}).get(month, ())
    rounds.record(
        "inspections",
        rounds.at(date(FIRST.year, month, 17 + at), 14),
        GROUP_IMPORTER,
        kind="archives",
        unit=branch,
        failed_aspects=failed,
        evidence=[f"archive-sheet:{site}/{this}"],
    )
    for desk in DESKS[site]:
        _desk(rounds, f"{site}-{desk}", date(FIRST.year, month, 1))


def _desk(rounds: Rounds, desk: str, month: date) -> None:
    this = f"{month:%Y-%m}"
    is_late = desk.startswith("wuxi") and month.month > FIRST.month
    last = Period.holding("month", month).last
    sent = rounds.at(last if is_late and last.day > 30 else month.replace(day=28), 16)  # noqa: PLR2004  # due on the 30th
    rounds.duty("progress-report", desk, this, sent, sections=["progress"], text="各栋进度按计划推进")
    rounds.duty(
        "mailing", desk, this, rounds.at(month.replace(day=25), 10), fields={"posted": "挂号信已寄出"}
    )
    for part, least in (("branch-assessment", 72), ("sales-department", 78)):
        rounds.record(
            "assessments",
            rounds.at(last, 17),
            person=f"{desk}-officer",
            unit=desk,
            month=this,
            scheme="desk-officer",
            part=part,
            score=str(least + rounds.rng.randrange(20)),
        )


def _praise(rounds: Rounds) -> None:
    """Let two owners say thank you."""
    for number, (month, day) in enumerate(((7, 29), (9, 9))):
        who = owner(rounds.site, 9_990 + number, rounds.rng)
        at = rounds.stage.at(month, day, 11)
        fields = {"name": who.name, "phone": who.phone, "words": "维修及时，态度好，特此感谢。"}
        to, unit = "unit" if number else "group", f"{rounds.site}-branch"
        body = {"unit": unit, "to": to, "fields": fields, "received_at": at}
        rounds.enter("intake", "/v1/praises", at, body)


def rounds_of_group(stage: Stage) -> Story:
    """Tell the group centre's reports and meetings, and what its inspectors found that was never registered."""
    rounds = Rounds(stage, "group", stage.rng("group/rounds"), [])
    for month in range(FIRST.month, FIRST.month + 3):
        first = date(FIRST.year, month, 1)
        this, before = f"{first:%Y-%m}", f"{FIRST.year}-{month - 1:02d}"
        who = GROUP_IMPORTER
        sections = ["branches", "ranking"]
        rounds.duty(
            "group-report", "group", before, rounds.at(first.replace(day=9), 16), who, sections=sections
        )
        rounds.duty(
            "skills-meeting", "group", this, rounds.at(first.replace(day=24), 14), who, sections=["minutes"]
        )
        seen = {"seen": "论坛有漏水帖子三条，已引导"}
        rounds.duty("forum-watch", "group", this, rounds.at(first.replace(day=27), 9), who, fields=seen)
    survey = stage.at(9, 22, 15)
    rounds.duty(
        "satisfaction-survey", "group", f"{FIRST.year}-Q3", survey, GROUP_IMPORTER, sections=["result"]
    )
    for kind, site, (month, day), reason in (
        ("never-recorded", "changsha", (8, 19), "业主口头投诉后自行联系工程部解决，分部无任何记录"),
        ("never-recorded-nor-handled", "wuxi", (9, 16), "业主三次来访无人登记，至巡检时仍未处理"),
    ):
        rounds.record(
            "findings",
            stage.at(month, day, 16),
            GROUP_IMPORTER,
            kind=kind,
            unit=f"{site}-branch",
            department=f"{site}-branch",
            person=f"{site}-officer-2",
            evidence=[f"interview:{site}/{kind}"],
            reason=reason,
        )
    return rounds.story()
