"""Use case: register what customers brought up when they were called back."""

from dataclasses import dataclass, replace

import structlog

from services.intake.domain import follow_up, forms
from services.intake.domain.complaints import Complaint
from services.intake.domain.follow_up import Problem
from services.intake.handlers.people import People
from services.intake.store import Complaints, index_of
from services.intake.store.noted import Problems
from shared.errors import StaleWriteError
from shared.events import Happened
from shared.identity.vault import ErasedError, seal
from shared.service.context import ServiceContext
from shared.storage.aggregates import Stored, change_of

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FollowUps:
    """What callbacks brought up at one site, followed and then registered.

    Following an event may not wait for a customer's key, so it only notes the problem; the sweep does the rest.
    """

    context: ServiceContext
    problems: Problems
    complaints: Complaints
    people: People

    async def register_all(self, most: int = 100) -> None:
        """Register what waits. Doing it again, or in several processes at once, makes no second matter."""
        for stored in await self.problems.waiting(most):
            if stored.state is None:
                continue
            first = (await self.complaints.get(stored.state.first)).state
            rules = self.context.directory.edition.at(stored.state.at)
            if first is None or stored.state.kind not in rules.intake.kinds:
                logger.warning(
                    "problem.waits", problem=stored.id, kind=stored.state.kind, first=stored.state.first
                )
                continue
            await self._register(stored.state, first)
            state = replace(stored.state, registered=True)
            try:
                await self.problems.save(change_of(stored, state, [], None, index={"waits": False}))
            except StaleWriteError as late:
                logger.info("problem.registered-meanwhile", problem=stored.id, error=late.code)

    async def _register(self, problem: Problem, first: Complaint) -> None:
        context = self.context
        edition = context.directory.edition
        rules = edition.at(problem.at)
        try:
            known = await context.vault.open(first.sealed)
            words = await context.vault.open(problem.sealed) if problem.sealed else {}
        except ErasedError as gone:
            # Nothing is left of the customer that could be registered.
            logger.info("problem.customer-erased", problem=problem.id, error=gone.code)
            return
        examined = follow_up.examine(problem, first, known, follow_up.words_of(problem, words, rules), rules)
        month = edition.calendar.month_of(problem.at)
        key = (await context.vault.keys([first.customer]))[first.customer]
        complaint, event = follow_up.register(
            problem,
            first,
            examined,
            month=f"{month.year:04d}{month.month:02d}",
            problem_user=self.people.is_problem(first.customer, problem.at),
            sealed=seal(first.customer, key, examined.values),
            edition=edition.hash,
        )
        stamp = context.stamp(
            stream=first.site, unit=complaint.concerns, correlation=problem.correlation, now=context.clock()
        )
        place = forms.place(examined.values, complaint.product)
        index = index_of(complaint, context.vault.blind(place) if place else "")
        change = change_of(Stored(complaint.id), complaint, [Happened(event, problem.at)], stamp, index=index)
        try:
            await self.complaints.save(change)
        except StaleWriteError as known_already:
            logger.info("problem.registered-before", problem=problem.id, error=known_already.code)
