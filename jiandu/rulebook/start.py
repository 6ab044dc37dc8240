"""A rulebook to begin with: a small sound one, with comments, in the folder ``template`` beside this file."""

from pathlib import Path

from jiandu.rulebook.schema import schemas
from shared.errors import ConflictError
from shared.rulebook.load.shape import topics

TEMPLATE = Path(__file__).parent / "template"
SCHEMAS = ".schemas"
"""Folder of the schemas inside the new one; a rulebook's files are those that end in ``.yaml``."""

_GROUP = "group: my-group\n"


def start(folder: Path) -> list[Path]:
    """Write the template to a new or empty folder, each file with the schema by which an editor checks it.

    Raises:
        ConflictError: The folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"'{folder}' is not empty. Name a folder that is new or empty."
        raise ConflictError(msg)
    (folder / SCHEMAS).mkdir(parents=True, exist_ok=True)
    for topic, text in schemas().items():
        (folder / SCHEMAS / f"{topic}.json").write_text(text, encoding="utf-8")
    written = []
    for path in sorted(TEMPLATE.glob("*.yaml")):
        text = path.read_text("utf-8").replace(_GROUP, f"group: {folder.resolve().name}\n")
        if path.stem in topics():
            text = f"# yaml-language-server: $schema={SCHEMAS}/{path.stem}.json\n{text}"
        (folder / path.name).write_text(text, encoding="utf-8")
        written.append(folder / path.name)
    return written
