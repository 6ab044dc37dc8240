"""Surveys that somebody starts on purpose (ZY-10, LN-27): frame fixed, lot drawn, interviews, estimate.

The frame's hash and the seed's are told before the draw, the seed with it: nobody can have picked whom to ask.
An interview is a task like any other, in a document of its own. Its calls are told to nobody: what a survey says is told
when it ends.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AwareDatetime, Field

from services.callback.domain import sampling
from services.callback.domain.refusals import CampaignOverError, FrameEmptyError
from services.callback.domain.sampling import Member
from services.callback.domain.task import CAMPAIGN, Matter, Piece, Status, Task
from shared.errors import ForbiddenError, NotFoundError
from shared.events import Happened
from shared.events.callback import CampaignClosed, CampaignDrawn, CampaignOpened
from shared.rulebook.edition import Edition
from shared.rulebook.schema.callback import CallbackPlan
from shared.rulebook.schema.callback import Campaign as CampaignRule
from shared.timekeeping.limits import due_before


class Stage(StrEnum):
    """How far a campaign is."""

    OPEN = "open"
    DRAWN = "drawn"
    CLOSED = "closed"


class Source(Piece):
    """One of the frame: a matter or a customer, with the task or the registration that speaks for it.

    Attributes:
        id: The complaint's id, or the customer's.
        matter: Matter whose contact is called.
    """

    id: str
    stratum: str
    matter: UUID


class Campaign(Piece):
    """One campaign.

    Attributes:
        digest: Hash of the command that started it.
        seed: Told with the draw, not before.
        placed: Every interview is a task.
        due_before: First moment at which an answer is too late.
    """

    id: str
    rule: str
    by: str
    unit: str
    edition: str
    edition_hash: str
    digest: str = ""
    opened_at: AwareDatetime
    frame: tuple[Source, ...]
    seed: str
    size: int
    stage: Stage = Stage.OPEN
    sizes: dict[str, int] = Field(default_factory=dict)
    sample: tuple[str, ...] = ()
    drawn_at: AwareDatetime | None = None
    due_before: AwareDatetime | None = None
    placed: bool = False
    asked: int = 0
    answered: int = 0
    mean: str = ""
    low: str = ""
    high: str = ""

    @property
    def members(self) -> list[Member]:
        """Return the frame as it is drawn from."""
        return [Member(one.stratum, one.id) for one in self.frame]


def rule_of(name: str, role: str, edition: Edition, at: datetime) -> CampaignRule:
    """Return the rule of a campaign.

    Raises:
        NotFoundError: The rulebook has none of this name.
        ForbiddenError: Another role starts it.
    """
    known = edition.at(at).callback.campaigns
    if name not in known:
        msg = f"The rulebook has no campaign '{name}'; it has: {', '.join(known) or 'none'}."
        raise NotFoundError(msg)
    if role not in known[name].by:
        msg = f"'{name}' is started by {' or '.join(known[name].by)}. Ask one of them."
        raise ForbiddenError(msg)
    return known[name]


def frame_of(
    matters: Iterable[Matter], rule: CampaignRule, since: datetime | None, before: datetime
) -> list[Source]:
    """Return whom a campaign could ask, in order.

    Of matters: those whose case ended in the time. Of customers: whoever registered a matter that fits, once, by the
    latest; a frame without a condition has all of them. Problem users are asked by no survey.
    """
    found: dict[str, Source] = {}
    for matter in sorted(matters, key=_when):
        task = next((one for one in reversed(matter.tasks) if not one.is_quiet), None)
        if matter.problem_user or not matter.boxes or matter.is_interview:
            continue
        if rule.of == "matters":
            if (
                task
                and _fits(task, rule)
                and (since is None or since <= task.closed_at)
                and task.closed_at < before
            ):
                key = str(matter.complaint_id)
                found[key] = Source(id=key, stratum=_stratum(task, matter, rule), matter=matter.complaint_id)
        elif matter.customer and (rule.frame == type(rule.frame)() or (task and _fits(task, rule))):
            stratum = _stratum(task, matter, rule)
            found[matter.customer] = Source(id=matter.customer, stratum=stratum, matter=matter.complaint_id)
    return sorted(found.values(), key=lambda one: (one.stratum, one.id))


def _when(matter: Matter) -> tuple[tuple[int, int], str]:
    first = min(((box.epoch, box.ordinal) for box in matter.boxes), default=(0, 0))
    return first, str(matter.complaint_id)


def _fits(task: Task, rule: CampaignRule) -> bool:
    facts = {
        "kind": task.kind,
        "class": task.class_,
        "validity": task.validity,
        "way": task.way,
        "procedure": task.procedure,
        "channel": task.channel,
        "grade": task.grade,
        "tier": task.tier,
        "service": task.service,
    }
    return rule.frame.holds(facts, task.flags)


def _stratum(task: Task | None, matter: Matter, rule: CampaignRule) -> str:
    known = {"unit": task.unit if task else matter.origin, "service": task.service if task else ""}
    return "|".join(known[name] for name in rule.strata)


def opened(  # noqa: PLR0913  # each is a fact that the campaign holds
    campaign_id: str,
    name: str,
    rule: CampaignRule,
    frame: Sequence[Source],
    *,
    seed: str,
    by: str,
    unit: str,
    edition: Edition,
    now: datetime,
) -> tuple[Campaign, list[Happened]]:
    """Start a campaign: its frame is fixed, and its seed committed to. Raises ``FrameEmptyError``."""
    if not frame:
        msg = "Nobody fits the campaign's frame then, so there is nobody to ask. Choose another time."
        raise FrameEmptyError(msg)
    campaign = Campaign(
        id=campaign_id,
        rule=name,
        by=by,
        unit=unit,
        edition=edition.name,
        edition_hash=edition.hash,
        opened_at=now,
        frame=tuple(frame),
        seed=seed,
        size=sampling.size(rule.sample, len(frame)),
    )
    event = CampaignOpened(
        campaign=campaign_id,
        rule=name,
        frame_hash=sampling.hash_of(campaign.members),
        frame_size=len(frame),
        seed_hash=sampling.commitment(seed),
        size=campaign.size,
        by=by,
    )
    return campaign, [Happened(event, now)]


def draw(campaign: Campaign, edition: Edition, now: datetime) -> tuple[Campaign, list[Happened]]:
    """Draw the lot, and tell the seed. Again changes nothing."""
    if campaign.stage is not Stage.OPEN:
        return campaign, []
    rule = _rule(campaign, edition)
    sizes = sampling.shares(campaign.members, campaign.size)
    sample = sampling.drawn(campaign.members, campaign.seed, sizes)
    update = {
        "stage": Stage.DRAWN,
        "sizes": sizes,
        "sample": tuple(member.id for member in sample),
        "drawn_at": now,
        "due_before": due_before(rule.within, now, edition.calendar).due_before,
    }
    event = CampaignDrawn(
        campaign=campaign.id, seed=campaign.seed, sample_hash=sampling.hash_of(sample), sizes=sizes
    )
    return campaign.model_copy(update=update), [Happened(event, now)]


def _rule(campaign: Campaign, edition: Edition) -> CampaignRule:
    return edition.at(campaign.opened_at).callback.campaigns[campaign.rule]


def interview_id(campaign: Campaign, member: str) -> UUID:
    """Return the id of the interview of one of the sample."""
    return uuid5(NAMESPACE_URL, f"jiandu/campaign/{campaign.id}/{member}")


def interview(campaign: Campaign, source: Source, about: Matter, edition: Edition) -> Matter:
    """Return the task of asking one of the sample, with the contact of the matter that speaks for them."""
    if campaign.drawn_at is None or campaign.due_before is None:
        raise AssertionError  # drawn before
    last = next((one for one in reversed(about.tasks) if not one.is_quiet), None)
    task = Task(
        occurrence=1,
        closed_at=campaign.drawn_at,
        unit=last.unit if last else about.origin,
        stream=about.site,
        kind=last.kind if last else "",
        class_=last.class_ if last else "",
        validity=last.validity if last else "",
        way=last.way if last else "",
        service=last.service if last else "",
        customer=about.customer,
        edition=campaign.edition,
        edition_hash=campaign.edition_hash,
        correlation=campaign.id,
        plan=f"{CAMPAIGN}{campaign.rule}",
        earliest=campaign.drawn_at,
        due_before=campaign.due_before,
        month=str(edition.calendar.month_of(campaign.due_before, closing=True)),
        clause=", ".join(_rule(campaign, edition).source),
        wanted=plan_of(_rule(campaign, edition)).attempts,
        status=Status.OPEN,
    )
    return Matter(
        complaint_id=interview_id(campaign, source.id),
        site=about.site,
        number=about.number,
        origin=about.origin,
        customer=about.customer,
        boxes=about.boxes,
        tasks=(task,),
    )


def plan_of(rule: CampaignRule) -> CallbackPlan:
    """Return a campaign's interviews as a plan: what is asked, and in what time."""
    return CallbackPlan.model_validate(
        {
            **rule.model_dump(include={"since", "source", "title"}),
            "applies": {},
            "latest": rule.within,
            "questionnaire": rule.questionnaire,
        }
    )


def close(
    campaign: Campaign, interviews: Mapping[UUID, Matter], now: datetime
) -> tuple[Campaign, list[Happened]]:
    """End a campaign whose time is over, with what the answers say of all."""
    if campaign.stage is not Stage.DRAWN or campaign.due_before is None or now < campaign.due_before:
        return campaign, []
    frame = dict[str, int]()
    answers = dict[str, list[int]]()
    sample = frozenset(campaign.sample)
    for source in campaign.frame:
        frame[source.stratum] = frame.get(source.stratum, 0) + 1
        matter = interviews.get(interview_id(campaign, source.id)) if source.id in sample else None
        answer = matter.current.answer if matter and matter.current else None
        if answer and answer.satisfaction is not None and answer.at < campaign.due_before:
            answers.setdefault(source.stratum, []).append(answer.satisfaction)
    found = sampling.estimate(frame, answers)
    event = CampaignClosed(
        campaign=campaign.id,
        asked=len(campaign.sample),
        answered=sum(len(values) for values in answers.values()),
        estimate=found.mean if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
    )
    update = {
        "stage": Stage.CLOSED,
        "asked": event.asked,
        "answered": event.answered,
        "mean": str(event.estimate or ""),
        "low": str(event.low or ""),
        "high": str(event.high or ""),
    }
    return campaign.model_copy(update=update), [Happened(event, campaign.due_before)]


def must_be_drawable(campaign: Campaign) -> None:
    """Refuse to draw again. Raises ``CampaignOverError``."""
    if campaign.stage is Stage.CLOSED:
        msg = "This campaign has ended. Start another: POST /v1/campaigns."
        raise CampaignOverError(msg)
