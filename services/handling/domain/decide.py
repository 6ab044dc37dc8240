"""The one entry for commands, and what opens and re-opens cases from elsewhere.

Every decision first settles the clocks up to its own time, then does what is asked, then settles again: whether
something was late never depends on when a sweep last ran. A command is judged and yields events; the new case is the
fold of them (``evolve``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.handling.domain import alerts, authority, partners
from services.handling.domain.case import Actor, Case, Status
from services.handling.domain.commands import KINDS, Command, ending
from services.handling.domain.context import DecisionContext, must_have_right, must_not_precede, same_unit
from services.handling.domain.evolve import begun, fold
from services.handling.domain.refusals import TimeRefusedError
from services.handling.domain.silence import settled
from services.handling.domain.telling import derived, event_of
from shared.errors import FieldProblem
from shared.events import Envelope, Happened, read
from shared.events.callback import CallbackCompleted
from shared.events.handling import CaseOpened
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.disputes import Within
from shared.rulebook.edition import Edition
from shared.rulebook.steps import CaseRules


def decide(
    case: Case,
    command: Command,
    by: Actor,
    edition: Edition,
    now: datetime,
    other: Case | None = None,
    within: Within = same_unit,
) -> tuple[Case, list[Happened]]:
    """Decide a command.

    Args:
        by: Who commands. Their own right and unit were checked before (``authority.authorise``); rights that the
            rulebook asks for are checked here.
        edition: The edition under which the case began.
        now: The present moment; what is commanded happened then, unless the command says when.
        within: Says which unit lies in which, for standing and tiers of appeals.
        other: The case that the command names besides its own (``merge``); None where the caller sees none such.

    Returns:
        The new case and what happened, misses among it, in the order in which it is to be told.

    Raises:
        ConflictError: The case's state forbids it. The message names the next action.
        InvalidInputError: A field is missing, unknown to the rulebook, or cannot be so.
        ForbiddenError: The command, or the rulebook, asks for a right that whose deed it is lacks.
        NotYetHereError: The other case is not there.
        RulebookGapError: The rulebook is silent where the decision needs it.
    """
    at = command.at or now.astimezone(UTC)
    if at > now:
        raise TimeRefusedError(
            f"{at.isoformat()} lies in the future. Leave 'at' out, or state when it happened.",
            [FieldProblem("at", "must not be in the future")],
        )
    must_not_precede("at", at, case.received_at, "the receipt of the matter")
    law = CaseRules.of(edition, case.received_at)
    kind = KINDS[command.do]
    actor = authority.actor_of(command, kind, by, law, within)
    context = DecisionContext(law, actor, at, other, within, by.person if command.acting_for else "")
    if command.acting_for:
        # The route asked it of who enters it.
        must_have_right(context, kind.right)
    case, before = settled(case, law, at)
    case, told = _carried_out(case, kind.decide(case, command, context), law, at)
    return case, [*before, *told]


def _carried_out(
    case: Case, drafts: Sequence[Happened], law: CaseRules, at: datetime
) -> tuple[Case, list[Happened]]:
    """Let a decision happen, say what the rulebook wants said of it, and settle silence up to it."""
    case = fold(case, drafts, law)
    # What an appeal tells anew of others' misses is whole already.
    told = [one if one.unit else event_of(case, one) for one in drafts]
    said = _answers(case, law, told)
    case, after = settled(fold(case, said, law), law, at)
    return case, [*told, *said, *after]


def _answers(case: Case, law: CaseRules, told: Sequence[Happened]) -> list[Happened]:
    """Return what the rulebook wants said of what just happened: to its roles, and to a partner."""
    return [*alerts.answering(case, law, told), *partners.telling(case, law, told)]


def open_case(envelope: Envelope, edition: Edition) -> tuple[Case, list[Happened]]:
    """Open the case of a registered matter, under a provisional procedure.

    Its clocks count from receipt, so some may have been missed when it was registered.

    Raises:
        RulebookGapError: No procedure of the rulebook applies to the matter.
    """
    registered = ComplaintRegistered.of(envelope.data)
    law = CaseRules.of(edition, registered.received_at.astimezone(UTC))
    case = begun(registered, edition, law)
    draft = CaseOpened(
        complaint_id=case.complaint_id,
        number=case.number,
        kind=case.kind,
        class_=case.class_,
        procedure="",
        channel=case.channel,
        received_at=case.received_at,
        next_due=None,
        service=case.service,
    )
    case = fold(case, [Happened(draft, case.registered_at)], law)
    judged, missed = settled(case, law, case.registered_at)
    event = draft.model_copy(update=derived(judged, draft, case.registered_at))
    opened = Happened(event, case.registered_at, case.unit)
    said = _answers(judged, law, [opened])
    # Told before what it comes after, as it happened before it.
    case = fold(case, [*said, *missed], law).with_(settled_up_to=judged.settled_up_to)
    return case, [opened, *said, *missed]


def follow(case: Case, envelope: Envelope, edition: Edition) -> tuple[Case, list[Happened]]:
    """Follow what another service told of the case.

    A dissatisfied callback re-opens it, once; a record that was amended may be complete now.
    """
    if envelope.type not in (CallbackCompleted.TYPE, RecordAmended.TYPE):
        return case, []
    event, law = read(envelope), CaseRules.of(edition, case.received_at)
    at, over_at = envelope.time.astimezone(UTC), case.ended_at or case.resolved_at
    if isinstance(event, RecordAmended) and event.complete and case.record_complete_at is None:
        at = max(at, case.registered_at)
        case, before = settled(case, law, at)
        case, after = settled(fold(case, [Happened(event, at)], law), law, at)
        return case, [*before, *after]
    if isinstance(event, CallbackCompleted) and event.reopen and _was_about(case, event) and over_at:
        at = max(at, over_at)
        case, before = settled(case, law, at)
        case, told = _carried_out(case, ending.reopened(case, "callback", "callback", at), law, at)
        return case, [*before, *told]
    return case, []


def _was_about(case: Case, event: CallbackCompleted) -> bool:
    # A callback may count from the resolution, while the file still waits for its papers.
    return event.occurrence == case.occurrence and case.status in (Status.RESOLVED, Status.CLOSED)
