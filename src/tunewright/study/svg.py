"""Drawing one small chart as SVG that can be pasted into an HTML page.

The result takes the page's text colour and font (so it follows dark mode), shares no id with another drawing of the
page, and is the same bytes for the same numbers.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

from tunewright.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#010203"
"""Stands for the text colour of the page while matplotlib draws; nothing else is drawn in it."""
_STYLE: dict[str, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tunewright",
    # Names come from the user: a dollar sign is a dollar sign.
    "text.parse_math": False,
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": INK,
    "grid.alpha": 0.13,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def draw(name: str, label: str, size_inches: tuple[float, float], panel: Callable[["Axes"], None]) -> str:
    """Draw one set of axes.

    Args:
        name: prefix of the drawing's ids, unique within the page.
        label: what a screen reader says instead of the picture.
        size_inches: width and height; one inch is 72 CSS pixels at full size.
        panel: draws into the axes it is given.
    Returns:
        An `<svg>` element that is safe to insert as it stands: all text in it is escaped.
    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with _matplotlib():
        # Figure and canvas directly: pyplot would keep global state and could ask for a display.
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        figure = Figure(figsize=size_inches, layout="constrained")
        FigureCanvasSVG(figure)
        panel(figure.add_subplot())
        written = StringIO()
        # None leaves an entry out: the date and matplotlib's version would change the bytes of an unchanged report.
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    return _inline(written.getvalue(), name, label)


@contextmanager
def _matplotlib() -> Iterator[None]:
    """Draw in our style, whatever the user's matplotlibrc says.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise MissingExtraError("matplotlib", "plots", "draw the charts of the report") from None
    with matplotlib.rc_context(), warnings.catch_warnings():
        # The browser's fonts draw the text; that matplotlib's own font lacks a character changes nothing.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


_TAG = re.compile(r"<[a-zA-Z][^>]*>")
"""An opening tag. matplotlib escapes `>` in text and attributes, so a tag ends at the first one."""


def _inline(svg: str, name: str, label: str) -> str:
    """Turn a written SVG file into markup for a page that holds several of them.

    Ids get a prefix so that no two drawings share one, and the file's own style sheet goes: inside a page it would
    apply to everything.
    """
    root = svg.index("<svg")
    body = svg[svg.index(">", root) + 1 :]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = _TAG.sub(lambda tag: _rewrite_tag(tag.group(), f"chart-{name}-"), body)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None, "matplotlib writes a viewBox"
    # These two were the file's own style sheet.
    joins = 'style="stroke-linejoin: round; stroke-linecap: butt"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box.group()} role="img" aria-label="{escape(label)}" {joins}>{body}'
    )


def _rewrite_tag(tag: str, prefix: str) -> str:
    tag = re.sub(r'\bid="', f'id="{prefix}', tag)
    tag = re.sub(r'xlink:href="#', f'href="#{prefix}', tag)
    tag = re.sub(r"url\(#", f"url(#{prefix}", tag)
    tag = re.sub(r"font-family: [^;\"]*; ?", "", tag)
    return tag.replace(INK, "currentColor")
