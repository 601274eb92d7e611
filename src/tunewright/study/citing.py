"""What of an answer is compared where passages were shown, which its system was asked to cite."""

import re
from collections.abc import Sequence

from tunewright.data.checks.code_blocks import bare_language
from tunewright.evaluate.json_answers import is_json
from tunewright.evaluate.judge import ScoredText, whole_answer
from tunewright.retrieve.prompt import CITATION

# Code between backquotes comes first, so that what it holds is no citation. The space before a citation goes with it.
_CODE_OR_CITATION = re.compile(rf"(?P<code>```.*?(?:```|\Z)|`[^`\n]*`)|[ \t]*{CITATION.pattern}", re.DOTALL)


def scored_text_of(num_passages: int | None) -> ScoredText:
    """What of an arm's answers is compared.

    Args:
        num_passages: that the arm is shown.
    """
    return without_citations if num_passages else whole_answer


def without_citations(answer: str, references: Sequence[str]) -> str:
    """A whole answer without marks such as `[1]`, unless a reference has one: there they are part of the answer.

    Brackets in JSON and code stay, since they are lists and indices.

    >>> without_citations("Two euros [1], paid at once [1, 2].", ["Two euros."])
    'Two euros, paid at once.'
    """
    whole = whole_answer(answer, references)
    return whole if any(map(CITATION.search, references)) or _is_program(whole) else _stripped(whole)


def _is_program(answer: str) -> bool:
    # SQL is none here: it hardly ever has numbers in brackets, and would not run with a citation at its end.
    return is_json(answer) or bare_language(answer) == "python"


def _stripped(answer: str) -> str:
    return _CODE_OR_CITATION.sub(lambda found: found["code"] or "", answer)
