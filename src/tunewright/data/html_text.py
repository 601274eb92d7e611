r"""The text of an HTML page as a reader sees it: paragraphs apart, scripts and navigation left out.

<h1>Fees</h1><p>We charge <b>no</b> fee.<script>...</script>   ->   Fees\n\nWe charge no fee.
"""

import re
from typing import TYPE_CHECKING

from tunewright.data.refusals import RefusedError

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SKIPPED = frozenset({"button", "head", "iframe", "nav", "noscript", "object", "script", "style", "svg", "template"})
# fmt: off
_PARAGRAPHS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "details", "dl", "div", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "main", "ol", "p", "pre",
    "section", "summary", "table", "ul",
})
# fmt: on
_LINES = frozenset({"br", "dd", "dt", "li", "tr"})
_CELLS = frozenset({"td", "th"})
_CHOICES = frozenset({"label", "option"})
"""On lines of their own, but for the first of a list item or a cell."""
_QUESTIONS = ("h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary")
"""Where a button is the question that opens its answer."""
_MARK, _CELL_END = "- ", " | "

_SPACES = re.compile(r"[ \t\n\r\f]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def html_text(page: str) -> tuple[str, str | None]:
    """Take the text out of a page.

    Args:
        page: any HTML; what is broken is repaired as browsers do.
    Returns:
        The text, and the title that the page states.
    Raises:
        RefusedError: there is nothing that could be a page, or tags are nested above some thousand levels.
    """
    from lxml import etree, html

    # Without huge_tree the parser drops the rest of a page of 10 MB, or of 256 levels, as in long threads of mail.
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    try:
        root = html.document_fromstring(page.encode(), parser=parser)
    except etree.ParserError as error:
        raise RefusedError("", str(error).lower(), "an HTML page", "Check the file.") from None
    if fatal := parser.error_log.filter_from_fatals():
        found = fatal[0].message.strip().partition(",")[0].lower()
        fix = "Close the tags that stay open, or save its text as .txt or .md."
        raise RefusedError(f"line {fatal[0].line}", found, "an HTML page that can be read to its end", fix)
    return _Text().of(root), root.findtext(".//title")


class _Text:
    """Collects the text of a page, white space joined except in <pre>."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._num_pre = 0

    def of(self, root: "HtmlElement") -> str:
        """The text below an element: paragraphs apart by an empty line, scripts and the like left out."""
        from lxml import etree

        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if event == "end":
                self._leave(element)
            elif element.tag in _SKIPPED and not _is_question(element):
                walk.skip_subtree()
            else:
                self._enter(element)
        lines = (line.rstrip() for line in "".join(self._parts).split("\n"))
        return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")

    def _enter(self, element: "HtmlElement") -> None:
        if element.tag in _PARAGRAPHS:
            self._parts.append("\n\n")
        elif element.tag in _LINES or (element.tag in _CHOICES and not self._is_at_start()):
            self._parts.append("\n")
        if element.tag == "li":
            self._parts.append(_MARK)
        elif element.tag in _CELLS and element.getprevious() is not None:
            self._parts.append(_CELL_END)
        self._num_pre += element.tag == "pre"
        self._write(element.text)

    def _is_at_start(self) -> bool:
        return not self._parts or self._parts[-1] in (_MARK, _CELL_END) or self._parts[-1].endswith("\n")

    def _leave(self, element: "HtmlElement") -> None:
        self._num_pre -= element.tag == "pre"
        if element.tag in _PARAGRAPHS:
            self._parts.append("\n\n")
        self._write(element.tail)

    def _write(self, text: str | None) -> None:
        if text and not self._num_pre:
            text = _SPACES.sub(" ", text)
            if not self._parts or self._parts[-1].endswith(("\n", " ")):
                text = text.removeprefix(" ")
        if text:
            self._parts.append(text)


def _is_question(element: "HtmlElement") -> bool:
    return element.tag == "button" and next(element.iterancestors(*_QUESTIONS), None) is not None
