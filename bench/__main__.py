"""``make bench``: measure P1, P3 and P4 with their floors in the same run, and write a small report."""

import os
import platform
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import life, registration
from bench.ceilings import folder_of

REPORT = Path(__file__).parent / "report.md"


def main() -> None:
    """Measure, print and write ``bench/report.md``. Seconds are reported, never judged."""
    console = Console()
    with console.status("P1: registering, beside a bare endpoint"):
        p1 = registration.measure(folder_of("p1"))
    with console.status("P3, P4: whole lives, with all services on the machine"):
        p3 = life.measure(folder_of("p3"))
    rows = [
        (
            "P1",
            f"registering at {registration.CALLERS} callers ÷ bare endpoint, customers known",
            f"≥ {registration.PROMISED}",
            f"{p1.ratio(p1.known):.2f}",
            f"ours {_rates(p1.known)}/s, bare {_rates(p1.floor)}/s, p99 {p1.p99_ms:.0f} ms",
        ),
        (
            "P1",
            "the same, every customer new: a key and a file more to write",
            f"≥ {registration.PROMISED}",
            f"{p1.ratio(p1.new):.2f}",
            f"ours {_rates(p1.new)}/s",
        ),
        (
            "P3",
            "events of whole lives ÷ lower raw ceiling",
            f"≥ {life.P3_PROMISED}",
            f"{p3.ratio:.2f}",
            f"{p3.events} events at {p3.events_per_s:.0f}/s; confirmed publishes {p3.publishes_per_s:.0f}/s, "
            f"journaled updates {p3.updates_per_s:.0f}/s",
        ),
        (
            "P4",
            "accepted request to posting visible, half load, p50 / p99",
            f"≤ {life.P4_P50_S} s / {life.P4_P99_S} s",
            f"{p3.p50_s:.2f} s / {p3.p99_s:.2f} s",
            f"half load {p3.half_load_per_s:.0f}/s of {p3.postings_per_s:.0f}/s",
        ),
    ]
    table = Table("promise", "what", "promised", "measured", "from")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    lines = [
        "# Measured",
        "",
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}.",
        "Ratios are medians of pairs taken in turns in one run; `make bench` writes this page.",
        "",
        "| promise | what | promised | measured | from |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]
    REPORT.write_text("\n".join(lines))
    console.print(f"Written to {REPORT.relative_to(Path.cwd())}.")


def _rates(rates: tuple[float, ...]) -> str:
    return f"{min(rates):.0f}–{max(rates):.0f}"


if __name__ == "__main__":
    main()
