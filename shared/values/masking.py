"""Pure: how personal data is shown to those who stated no purpose."""

_ADDRESS_SHOWN = 6
"""City and district, as Chinese addresses begin."""


def mask_name(name: str) -> str:
    """Show a surname only.

    Example:
        >>> mask_name("张三丰")
        '张**'
    """
    return name[:1] + "*" * max(len(name) - 1, 1)


def mask_phone(phone: str) -> str:
    """Show three and four digits of a mobile number.

    Example:
        >>> mask_phone("13812345678")
        '138****5678'
    """
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 11 else "*" * len(phone)  # noqa: PLR2004  # digits of a mobile number


def mask_address(address: str) -> str:
    """Show the first six characters: city and district; of a short address nothing.

    Example:
        >>> mask_address("重庆市江北区金科大道1号3栋502")
        '重庆市江北区******'
    """
    if len(address) < 2 * _ADDRESS_SHOWN:
        return "******"
    return address[:_ADDRESS_SHOWN] + "******"
