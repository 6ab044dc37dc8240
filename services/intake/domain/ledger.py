"""Pure: the ledger 服务信息台帐, one row a matter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.intake.domain.complaints import Complaint
from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Rule

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column, with its heading in both languages."""

    key: str
    zh: str
    en: str


COLUMNS = (
    Column("number", "编号", "Number"),
    Column("unit", "单位", "Unit"),
    Column("kind", "种类", "Kind"),
    Column("class", "类别", "Class"),
    Column("item", "项目类别", "Item"),
    Column("service", "服务项目", "Service line"),
    Column("grade", "等级", "Grade"),
    Column("tier", "服务级别", "Tier of service"),
    Column("channel", "受理渠道", "Channel"),
    Column("external_number", "来件编号", "Partner's number"),
    Column("name", "客户名称", "Customer"),
    Column("address", "客户地址", "Address"),
    Column("phone", "联系电话", "Telephone"),
    Column("product", "产品", "Product"),
    Column("words", "客户反映", "What the customer says"),
    Column("others", "其他登记内容", "Other fields"),
    Column("received_at", "受理时间", "Received"),
    Column("registered_at", "登记时间", "Registered"),
    Column("registered_by", "登记人", "Registered by"),
    Column("handed_over_by", "转交方", "Handed over by"),
    Column("flags", "标记", "Flags"),
    Column("problem_user", "问题用户", "Problem user"),
    Column("missing", "缺项", "Missing fields"),
    Column("status", "状态", "Status"),
    Column("procedure", "处理程序", "Procedure"),
    Column("validity", "有效性", "Validity"),
    Column("department", "责任部门", "Department"),
    Column("person", "责任人", "Person"),
    Column("next_due", "下一期限", "Next due"),
    Column("missed", "超期", "Missed deadlines"),
    Column("way", "处理方式", "Way of settling"),
    Column("amount", "金额", "Amount"),
    Column("payer", "承担方", "Payer"),
    Column("closed_at", "办结时间", "Closed"),
    Column("outcome", "处理结果", "Outcome"),
    Column("reopened", "重新办理次数", "Reopened"),
    Column("callback", "回访结果", "Callback"),
    Column("satisfaction", "满意度", "Satisfaction"),
)

_STATUS = {
    "registered": "已登记",
    "open": "处理中",
    "resolved": "已解决",
    "closed": "已办结",
    "withdrawn": "已撤回",
    "merged": "已并案",
}
_CALLBACK = {"due": "待回访", "completed": "已回访", "missed": "未按期回访", "unreachable": "无法联系"}
_ALONE = ("name", "address", "phone", "words", "product")


def row_of(complaint: Complaint, shown: Mapping[str, str], rules: Rules, zone: ZoneInfo) -> Row:
    """Return a matter's row.

    Args:
        shown: Its fields, masked; empty once the customer was erased.
    """
    told, intake = complaint.told, rules.intake
    class_ = told.class_ or complaint.class_
    callback, settlement = told.callback or {}, told.settlement or {}
    return {
        "number": complaint.number,
        "unit": told.unit or complaint.concerns,
        "kind": _title(intake.kinds, complaint.kind),
        "class": _title(intake.classes, class_),
        "item": told.item or complaint.item,
        "service": _title(intake.services, told.service or complaint.service),
        "grade": _title(intake.grades, told.grade or complaint.grade),
        "tier": _title(intake.tiers, told.tier or complaint.tier),
        "channel": _title(intake.channels, complaint.channel),
        "external_number": complaint.external_number,
        "name": shown.get("name", ""),
        "address": shown.get("address", ""),
        "phone": shown.get("phone", ""),
        "product": complaint.product or shown.get("product", ""),
        "words": shown.get("words", ""),
        "others": "；".join(f"{name}：{value}" for name, value in shown.items() if name not in _ALONE),
        "received_at": _local(complaint.received_at, zone),
        "registered_at": _local(complaint.registered_at, zone),
        "registered_by": complaint.registered_by,
        "handed_over_by": complaint.handed_over_by,
        "flags": "；".join(_title(intake.flags, flag) for flag in complaint.flags),
        "problem_user": "是" if complaint.problem_user else "",
        "missing": "；".join(complaint.missing),
        "status": _STATUS[told.status],
        "procedure": told.procedure,
        "validity": _title(rules.procedures.validities, told.validity),
        "department": told.department,
        "person": told.person,
        "next_due": local_of(told.next_due, zone),
        "missed": _missed(told.missed, zone),
        "way": told.way,
        "amount": str(settlement.get("amount") or ""),
        "payer": str(settlement.get("payer") or ""),
        "closed_at": local_of(told.closed_at, zone),
        "outcome": told.outcome,
        "reopened": str(told.reopened) if told.reopened else "",
        "callback": _CALLBACK.get(str(callback.get("result", "")), ""),
        "satisfaction": str(callback.get("satisfaction", "")),
    }


def _title(known: Mapping[str, Rule], key: str) -> str:
    return known[key].title.zh if key in known else key


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def local_of(text: str, zone: ZoneInfo) -> str:
    """Return an instant as people read it; empty for none."""
    return _local(datetime.fromisoformat(text), zone) if text else ""


def _missed(missed: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> str:
    return "；".join(
        f"{one['step'] or one['clock']}（{one['clause']}，期限 {local_of(one['due_before'], zone)}）"
        for one in missed
    )
