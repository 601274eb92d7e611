"""The text of a DOCX file as a reader sees it with all tracked changes accepted.

Paragraphs and tables stand in order, also those in content controls; a text box follows the paragraph that holds it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docx.document import Document
    from docx.oxml.xmlchemy import BaseOxmlElement

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PARAGRAPH, _TABLE, _ROW, _CELL, _RUN, _TEXT_BOX = (
    f"{_W}{name}" for name in ("p", "tbl", "tr", "tc", "r", "txbxContent")
)
# Deleted, the old place of what was moved, the reading above ruby characters, and what old programs show in place of a
# text box, which repeats it.
_LEFT_OUT = frozenset(
    {f"{_W}del", f"{_W}moveFrom", f"{_W}rt", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)


def docx_text(document: "Document") -> str:
    """Take the text out of an opened file, paragraphs and tables apart by an empty line."""
    return "\n\n".join(block for block in _blocks(document.element.body) if block.strip())


def _blocks(parent: "BaseOxmlElement") -> Iterator[str]:
    """Paragraphs and tables, at any depth of content controls and the like."""
    for child in parent:
        if child.tag == _PARAGRAPH:
            yield from _paragraph(child)
        elif child.tag == _TABLE:
            yield _table(child)
        elif child.tag not in _LEFT_OUT:
            yield from _blocks(child)


def _paragraph(paragraph: "BaseOxmlElement") -> Iterator[str]:
    """Its text, then that of its text boxes."""
    from lxml import etree

    runs, boxes = [], []
    walk = etree.iterwalk(paragraph, events=("start",))
    for _, element in walk:
        if element.tag == _RUN:
            runs.append(element.text)
        elif element.tag == _TEXT_BOX:
            boxes.append(element)
        if element.tag == _TEXT_BOX or element.tag in _LEFT_OUT:
            walk.skip_subtree()
    yield "".join(runs)
    for box in boxes:
        yield from _blocks(box)


def _table(table: "BaseOxmlElement") -> str:
    """A line for each row. A cell that spans several columns or rows is written once."""
    rows = ([_cell(cell) for cell in _parts(row, _CELL)] for row in _parts(table, _ROW))
    return "\n".join(" | ".join(cells) for cells in rows if any(cells))


def _cell(cell: "BaseOxmlElement") -> str:
    return "\n".join(_blocks(cell)).strip()


def _parts(parent: "BaseOxmlElement", tag: str) -> Iterator["BaseOxmlElement"]:
    """The rows of a table, or the cells of a row, also those in content controls."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag not in _LEFT_OUT:
            yield from _parts(child, tag)
