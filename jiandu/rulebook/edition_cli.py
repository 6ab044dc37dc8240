"""The commands ``jiandu edition fetch|propose|list|show|approve|reject|events``: how a regulation is changed.

They speak HTTP to the registry, ``events`` to scoring: those of the local stack, or one whose address is given.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from jiandu.operations.cli import RefusedError, Target, Where, refusals, say
from jiandu.reading import Book, edition_of
from jiandu.reading import refusals as refused_text
from jiandu.stack.plan import HEADQUARTERS
from jiandu.stack.stack import FOLDER
from shared.errors import InvalidInputError
from shared.rulebook.load import edition_from_files

app = typer.Typer(
    name="edition", help="Change the regulation: draft, propose, approve.", no_args_is_help=True
)

Context = typer.Context
Hash = Annotated[str, typer.Argument(metavar="HASH", help="The draft, by its hash or how that begins.")]
_SHORT = 12


@dataclass(frozen=True)
class Door:
    """Who asks, and where."""

    url: str
    account: str
    password: str
    folder: Path

    def to(self, service: str) -> Target:
        """Return the service to speak to.

        Raises:
            RefusedError: Nobody said who asks, or it does not run here.
        """
        if not self.account:
            msg = (
                "Say who you are: `jiandu edition --account director …`, or JIANDU_ACCOUNT. The rulebook's "
                "'approval' names the roles that draft and approve."
            )
            raise RefusedError(msg)
        where = Where(service, self.url, HEADQUARTERS, self.account, self.password, self.folder)
        return where.targets()[0]


@app.callback()
def _ask(
    context: Context,
    account: Annotated[str, typer.Option(envvar="JIANDU_ACCOUNT", help="Who signs in.")] = "",
    password: Annotated[
        str, typer.Option(envvar="JIANDU_PASSWORD", help="Its password; else that of the local stack.")
    ] = "",
    url: Annotated[
        str, typer.Option(envvar="JIANDU_URL", help="Address of the service, in place of the local stack.")
    ] = "",
    folder: Annotated[Path, typer.Option(help="Where the local stack keeps its state.")] = FOLDER,
) -> None:
    context.obj = Door(url, account, password, folder)


def _registry(context: Context) -> Target:
    door: Door = context.obj
    return door.to("registry")


@app.command()
def fetch(
    context: Context,
    folder: Annotated[Path, typer.Argument(help="New folder that the files are written to.")],
    edition: Annotated[
        str, typer.Argument(metavar="[HASH]", help="Another than the edition in force, by its hash.")
    ] = "",
) -> None:
    """Write the edition in force to a folder, to begin a draft with; or a draft, to look at before approving it."""
    with refusals(), refused_text(2):
        if folder.exists():
            msg = f"{folder} is there already. Name a new folder."
            raise InvalidInputError(msg)
        registry = _registry(context)
        hash_ = _whole(edition, registry) if edition else _listed(registry)["enacted"][-1]["hash"]
        files: Mapping[str, str] = registry.send("GET", f"/editions/{hash_}/files")
        if "rulebook.yaml" in files and edition_from_files(files).hash != hash_:
            msg = f"What the registry gave is not {hash_[:_SHORT]}, and nothing was written. Have the log verified."
            raise InvalidInputError(msg)
        inside = folder.resolve()
        if outside := [name for name in files if not (inside / name).resolve().is_relative_to(inside)]:
            msg = f"The edition holds a file that lies outside its folder, and nothing was written: {outside[0]}."
            raise InvalidInputError(msg)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        name = edition_from_files(files).name if "rulebook.yaml" in files else "Own norms"
        say(f"{name}, {hash_[:_SHORT]}: {len(files)} files in {folder}")


@app.command()
def propose(
    context: Context,
    rulebook: Book,
    restates: Annotated[
        bool, typer.Option("--restates", help="It is meant to change published periods.")
    ] = False,
) -> None:
    """Propose a draft. It is checked, and then waits for those whom the regulation names; nothing changes yet."""
    with refusals(), refused_text(1):
        files = dict(edition_of(rulebook).files)
        told = _registry(context).send("POST", "/editions", {"files": files, "restates": restates})
        _tell(told)


@app.command("list")
def list_editions(context: Context) -> None:
    """List the editions that came into force, the newest last, and the drafts that wait."""
    with refusals():
        found = _listed(_registry(context))
        for one in found["enacted"]:
            by = ", ".join(one["approved_by"]) or "the first start"
            say(f"{one['hash'][:_SHORT]}  in force since {one['enacted_at'][:19]}Z, {one['name']}, by {by}")
        for one in found["waiting"]:
            waits = " and ".join(one["waits_for"])
            say(f"{one['hash'][:_SHORT]}  waits for {waits}: {one['name']}, by {one['proposed_by']}")


@app.command()
def show(context: Context, edition: Hash) -> None:
    """Show who proposed a draft, who approved it when and for whom, who refused it, and where it was filed."""
    with refusals():
        registry = _registry(context)
        _tell(registry.send("GET", f"/editions/{_whole(edition, registry)}"))


@app.command()
def approve(
    context: Context,
    edition: Hash,
    report: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The what-if page that you saw; its hash is kept."),
    ] = None,
) -> None:
    """Approve a draft. The last approval that the regulation asks for puts it into force."""
    with refusals():
        registry = _registry(context)
        body = {"report": hashlib.sha256(report.read_bytes()).hexdigest()} if report else None
        _tell(registry.send("POST", f"/editions/{_whole(edition, registry)}/approval", body))


@app.command()
def reject(
    context: Context,
    edition: Hash,
    reasons: Annotated[str, typer.Option(help="Why. It is kept, and told to who proposed it.")],
) -> None:
    """Refuse a draft. It may be proposed again."""
    with refusals():
        registry = _registry(context)
        path = f"/editions/{_whole(edition, registry)}/rejection"
        _tell(registry.send("POST", path, {"reasons": reasons}))


@app.command()
def events(
    context: Context, file: Annotated[Path, typer.Argument(help="File that the events are written to.")]
) -> None:
    """Write what really happened to a file, which `jiandu backtest` reads. No personal data is in it."""
    door: Door = context.obj
    with refusals(), refused_text(2):
        count = door.to("scoring").download("/export", file)
        say(f"{file}: {count} bytes")


def _listed(registry: Target) -> Any:  # noqa: ANN401  # JSON
    return registry.send("GET", "/editions")


def _whole(beginning: str, registry: Target) -> str:
    """Return the one hash that begins so. A whole one is taken as it is: the list leaves refused drafts out."""
    found = _listed(registry)
    hashes = {one["hash"] for one in (*found["enacted"], *found["waiting"])}
    fits = sorted(one for one in hashes if one.startswith(beginning))
    if len(fits) > 1:
        msg = f"{len(fits)} hashes begin with '{beginning}': {', '.join(fits)}. Give more of it."
        raise RefusedError(msg)
    return fits[0] if fits else beginning


def _tell(proposal: Mapping[str, Any]) -> None:
    say(f"{proposal['name']}  {proposal['hash']}")
    begins = f", from {proposal['changes_from']} on" if proposal["changes_from"] else ""
    say(f"  changes   {', '.join(proposal['topics']) or 'wording only'}{begins}{_restating(proposal)}")
    say(f"  proposed  {proposal['proposed_at'][:19]}Z by {proposal['proposed_by']}")
    for one in proposal["approvals"]:
        absent = f" for {one['for_person']}" if one["for_person"] else ""
        seen = f", having seen report {one['report'][:_SHORT]}" if one["report"] else ""
        say(f"  approved  {one['at'][:19]}Z by {one['person']} ({one['role']}){absent}{seen}")
    for one in proposal["filed"]:
        say(f"  filed     {one['on']} with {one['filed_with']} by {one['by']}")
    if refused := proposal["rejected"]:
        say(
            f"  refused   {refused['at'][:19]}Z by {refused['person']} ({refused['role']}): {refused['reasons']}"
        )
    elif proposal["waits_for"]:
        say(f"  waits for {' and '.join(proposal['waits_for'])}")
    else:
        say("  has all its approvals and is in force, unless a later one took its place")


def _restating(proposal: Mapping[str, Any]) -> str:
    return ", restating published periods" if proposal["restates"] else ""
