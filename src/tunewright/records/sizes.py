"""How a number of bytes is written."""


def format_bytes(num_bytes: int) -> str:
    """Decimal units, as disks are sold and `df -H` prints.

    >>> format_bytes(1_230_000_000)
    '1.2 GB'
    """
    size = float(num_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
