"""Why a command on a case is refused. Every message ends with the next action."""

from shared.errors import ConflictError, InvalidInputError


class CaseOverError(ConflictError):
    """The case is closed, withdrawn or merged."""

    code = "case-over"


class CaseNotOverError(ConflictError):
    """The command is for a case that has ended."""

    code = "case-not-over"


class StepOrderError(ConflictError):
    """Something must come first."""

    code = "step-out-of-order"


class NotInProcedureError(ConflictError):
    """The procedure that the case follows has no such step or act."""

    code = "not-in-procedure"


class NotOwedError(ConflictError):
    """Another step made the duty void."""

    code = "step-not-owed"


class AlreadyDoneError(ConflictError):
    """It was done before."""

    code = "already-done"


class CannotMergeError(ConflictError):
    """The case cannot go on inside that other one."""

    code = "cannot-merge"


class MissingPartsError(InvalidInputError):
    """Evidence, signatures, a person or a reason that the rulebook asks for is missing."""

    code = "missing-parts"


class UnknownKeyError(InvalidInputError):
    """The rulebook does not know the key."""

    code = "unknown-key"


class TimeRefusedError(InvalidInputError):
    """The stated time cannot be when it happened."""

    code = "time-refused"


class ConditionNotRecordedError(ConflictError):
    """A power cannot be used before its condition is recorded (JK-30)."""

    code = "power-condition-missing"


class StandardNotMetError(ConflictError):
    """A result below the national standard cannot be accepted, whatever the owner says (JK-04)."""

    code = "standard-not-met"


class ConsentMissingError(ConflictError):
    """The way to settle needs the owner's consent (JK-09)."""

    code = "owner-consent-missing"


class SamePersonError(ConflictError):
    """Two different persons are needed."""

    code = "same-person"


class NotTheirTurnError(ConflictError):
    """The next signature is another role's."""

    code = "not-their-turn"


class DeadlinePassedError(ConflictError):
    """The deadline passed; nothing changes it any more."""

    code = "deadline-passed"


class NotPermittedByRulebookError(ConflictError):
    """The rulebook does not foresee this for this step, or no further time."""

    code = "not-foreseen"


class DutiesOpenError(ConflictError):
    """Duties with a running or missed clock are still to be done."""

    code = "duties-open"
