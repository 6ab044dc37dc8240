"""A small sound rulebook as texts, with grades, tiers and a little of everything, to be spoilt a passage at a time."""

import textwrap

import pytest

from shared.errors import RulebookProblem, RulebookRefusedError
from shared.rulebook.load import edition_from_files
from tests.builders_rules import RULEBOOKS

R = "from: 2026-01-01, source: SM-01, title: {zh: 某, en: some}"

_TEXTS = {
    "rulebook.yaml": f"""
        group: small
        edition: "2026"
        name: {{zh: 小集团, en: small group}}
        sources:
          text: {{title: 办法, document: 办法}}
        rules:
          SM-01: {{zh: 规定, en: rule}}
        approval:
          text: {{{R}, drafts: head, approves: [head]}}
        """,
    "calendar.yaml": """
        zone: Asia/Shanghai
        national: cn
        hours:
          - {opens: "09:00", closes: "17:00"}
        """,
    "rights.yaml": f"""
        unit_kinds:
          centre: {{{R}}}
          branch: {{{R}, inside: centre, ranked: true}}
        roles:
          head: {{{R}, at: centre, sees_all: true, rights: [cases.rule, cases.approve, disputes.advise, figures.report]}}
          officer: {{{R}, at: branch, rights: [complaints.register, cases.handle, cases.find, cases.approve, cases.appeal]}}
        """,
    "intake.yaml": f"""
        kinds:
          complaint: {{{R}, classes: [small, large], services: [supply, repair], graded: true}}
          praise: {{{R}, counts_as_complaint: false}}
        classes:
          small: {{{R}}}
          large: {{{R}, items_from: works}}
        grades:
          grave: {{{R}, rank: 1}}
          light: {{{R}, rank: 2, presumed: true}}
        services:
          supply: {{{R}}}
          repair: {{{R}}}
        tiers:
          urgent: {{{R}, applies: {{service: supply}}}}
          other: {{{R}}}
        channels:
          telephone: {{{R}}}
          callback: {{{R}}}
        forms:
          all:
            from: 2026-01-01
            source: SM-01
            title: {{zh: 登记, en: record}}
            kinds: [complaint, praise]
            fields:
              words: {{title: {{zh: 内容, en: words}}, need: must}}
              use: {{title: {{zh: 用途, en: use}}, need: may, format: choice, choices: {{home: {{zh: 居民, en: home}}}}}}
        flags:
          media: {{{R}}}
        documents:
          sheet: {{{R}, of: matter, kinds: complaint, lines: {{words: {{title: {{zh: 内容, en: words}}, takes: field.words}}}}}}
        """,
    "limits.yaml": """
        tables:
          answer:
            from: 2026-01-01
            source: SM-01
            title: {zh: 时限, en: limits}
            by: grade
            rows:
              grave: {title: {zh: 重, en: grave}, limit: {hours: 2}, counts_from: receipt}
              light: {title: {zh: 轻, en: light}, limit: {hours: 24}, counts_from: receipt}
          works:
            from: 2026-01-01
            source: SM-01
            title: {zh: 时限, en: limits}
            rows:
              wall: {title: {zh: 墙, en: wall}, limit: {days: 5}, counts_from: receipt}
        """,
    "procedures.yaml": f"""
        validities:
          valid: {{{R}}}
          invalid: {{{R}}}
        parties:
          maker: {{{R}}}
        procedures:
          complaint:
            from: 2026-01-01
            source: SM-01
            title: {{zh: 投诉, en: complaint}}
            applies: {{kind: complaint}}
            steps:
              answer: {{title: {{zh: 答复, en: answer}}, within: {{table: answer}}, answers: true, by: officer}}
              facts: {{title: {{zh: 查明, en: facts}}, done_by: finding}}
              agree: {{title: {{zh: 协商, en: agree}}, requires: facts, done_by: settlement}}
              mend: {{title: {{zh: 整改, en: mend}}, when: {{class: large}}, within: {{table: works}}}}
              sign: {{title: {{zh: 批准, en: sign}}, when: {{way: money}}, requires: agree, by: head, right: cases.approve, done_by: approval}}
              close: {{title: {{zh: 告知, en: tell}}, requires: agree, resolves: true}}
          invalid:
            from: 2026-01-01
            source: SM-01
            title: {{zh: 无效, en: invalid}}
            applies: {{kind: complaint, validity: invalid}}
            rank: 5
            steps:
              explain: {{title: {{zh: 解释, en: explain}}, after: receipt, within: {{days: 2}}, answers: true, resolves: true}}
          praise:
            from: 2026-01-01
            source: SM-01
            title: {{zh: 表扬, en: praise}}
            applies: {{kind: praise}}
            steps:
              thank: {{title: {{zh: 致谢, en: thank}}, answers: true, resolves: true}}
        ways:
          words: {{{R}}}
          money: {{{R}, has_amount: true, approvals: [officer, head], up_to: {{officer: 100}}}}
        alerts:
          late: {{{R}, on: deadline, clocks: answer, after: {{days: 1}}, to: head}}
        pauses:
          absent: {{{R}, steps: answer}}
        extensions:
          more: {{{R}, steps: mend, right: cases.approve}}
        appeals:
          scores: {{{R}, within: {{days: 7}}, decided_within: {{days: 7}}, right: cases.rule, advises: head, decides: head, next_tier: true}}
        """,
    "callback.yaml": f"""
        plans:
          valid: {{{R}, applies: {{kind: complaint, validity: valid}}, earliest: {{days: 1}}, latest: {{days: 7}}, questionnaire: short}}
          invalid: {{{R}, applies: {{kind: complaint, validity: invalid}}, latest: {{days: 7}}, questionnaire: short}}
        questionnaires:
          short:
            from: 2026-01-01
            source: SM-01
            title: {{zh: 问卷, en: questions}}
            questions:
              satisfied: {{title: {{zh: 满意否, en: satisfied}}, kind: satisfaction}}
              solved: {{title: {{zh: 解决否, en: solved}}, kind: yes-no}}
              why: {{title: {{zh: 为何, en: why}}, kind: text, asked_if: {{solved: "no"}}, opens: complaint}}
        """,
    "obligations.yaml": f"""
        obligations:
          report: {{{R}, owed_by: branch, every: month, due: {{day: 5, month: next}}, sections: {{all: {{title: {{zh: 全, en: all}}}}}}}}
        findings:
          rude: {{{R}}}
        figures:
          turnover: {{{R}, every: month, of: branch, measure: money, by: head}}
        """,
    "scoring.yaml": f"""
        sheets:
          card:
            from: 2026-01-01
            source: SM-01
            title: {{zh: 评分表, en: card}}
            unit_kind: branch
            kind: scorecard
            full_marks: 20
            sections:
              all:
                title: {{zh: 全部, en: all}}
                weight: 20
                items:
                  course: {{title: {{zh: 过程, en: course}}, weight: 10, how: {{method: deduct}}, source: SM-01}}
                  rate: {{title: {{zh: 比率, en: rate}}, weight: 10, how: {{method: indicator, indicator: satisfied}}, source: SM-01}}
        offences:
          late: {{{R}, sheet: card, item: course, points: -2, trigger: {{on: missed-deadline, clocks: answer}}}}
          late-report: {{{R}, sheet: card, item: course, points: -1, trigger: {{on: obligation, obligation: report, fault: late}}}}
          no-report: {{{R}, sheet: card, item: course, points: -2, trigger: {{on: obligation, obligation: report, fault: not-done}}, replaces: late-report}}
          grave: {{{R}, sheet: card, item: course, points: -3, trigger: {{on: matter, moment: found, when: {{validity: valid, grade: grave}}}}}}
          light: {{{R}, sheet: card, item: course, points: -1, trigger: {{on: matter, moment: found, when: {{validity: valid, grade: light}}}}}}
        indicators:
          satisfied: {{{R}, measure: satisfaction, target: 0.9}}
          turnover: {{{R}, numerator: {{figure: turnover}}}}
          in-time: {{{R}, numerator: {{count: clocks, of: answer, is: in-time}}, denominator: {{count: clocks, of: answer}}}}
        rankings:
          monthly: {{{R}, by: card, every: month, unit_kind: branch}}
        """,
    "calendars/cn/2026.yaml": (RULEBOOKS / "calendars" / "cn" / "2026.yaml").read_text("utf-8"),
}
SMALL = {name: textwrap.dedent(text).lstrip() for name, text in _TEXTS.items()}


def spoilt(file: str, old: str, new: str) -> tuple[RulebookProblem, ...]:
    """Return why the small rulebook is refused with one passage replaced; it must stand there exactly once."""
    assert SMALL[file].count(old) == 1
    with pytest.raises(RulebookRefusedError) as caught:
        edition_from_files({**SMALL, file: SMALL[file].replace(old, new)})
    return caught.value.problems


def line_of(file: str, passage: str) -> int:
    """Return the line of the sound rulebook on which a passage begins."""
    return SMALL[file][: SMALL[file].index(passage)].count("\n") + 1
