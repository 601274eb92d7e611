"""What a chat template writes around an answer, found by rendering a probe conversation."""

import re
from bisect import bisect_left
from dataclasses import dataclass

from tunewright.errors import Problem, RenderError
from tunewright.records.example import Message
from tunewright.render.template import ChatTemplate
from tunewright.render.tokenizer import Tokenizer

_WHERE = "the base's chat template"
_QUESTION = Message(role="user", content="probe question")
_ANSWER = Message(role="assistant", content="probe answer")
_THINKING_TAG = re.compile("</?think>")
_MAX_QUOTED_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class AnswerFrame:
    """What stands around an answer, as in Llama 2's ` answer </s>`: lead " ", tail " ", end of turn `</s>`."""

    lead: str
    """Text between the prompt and the answer."""
    tail: str
    """Text between the answer and its end of turn; everything behind the answer if no end is written."""
    decoded_lead: str
    decoded_tail: str
    """Both as they stand in decoded text: without special tokens, and with the spaces that decoding adds or drops."""
    end_token_id: int
    """Ends the assistant's turn; always trained."""
    end_is_written: bool
    """False: the template writes no end of turn, so the renderer appends one and drops the tail."""
    control_tokens: tuple[str, ...]
    """Tokens that steer the model; a message must not contain them as text."""


def find_answer_frame(template: ChatTemplate, tokenizer: Tokenizer) -> AnswerFrame:
    """Render a question and an answer, and see what comes before and after the answer.

    Raises:
        RenderError: the template fails on the probe, drops the answer, or writes an answered conversation that does
            not continue its prompt.
    """
    prompt_text = template.render([_QUESTION], add_generation_prompt=True, where=_WHERE)
    text = template.render([_QUESTION, _ANSWER], add_generation_prompt=False, where=_WHERE)
    require_continuation(text, prompt_text, _WHERE)
    lead, answer, behind = text[len(prompt_text) :].partition(_ANSWER.content)
    if not answer:
        raise RenderError(
            Problem(
                _WHERE,
                "a template that does not write the assistant's answer",
                "every message in the text",
                "Use a base whose template writes answers, or one without a template.",
            )
        )
    # Some bases declare their turn tokens as added but not as special. Others add runs of spaces, which steer nothing.
    steering = tokenizer.special_token_ids | {
        token_id for token_id, token in tokenizer.added_tokens.items() if token.strip()
    }
    end_token_id, tail, end_is_written = tokenizer.eos_token_ids[0], behind, False
    for token_id, (start, _) in tokenizer.encode_with_offsets(behind):
        if token_id in steering or token_id in tokenizer.eos_token_ids:
            end_token_id, tail, end_is_written = token_id, behind[:start], True
            break
    in_prompt = steering.intersection(tokenizer.encode(prompt_text))
    control = tokenizer.special_token_ids | {end_token_id, *tokenizer.eos_token_ids} | in_prompt
    names = (tokenizer.token_text(token_id) for token_id in sorted(control))
    decoded_lead, decoded_tail = _decoded_around(tokenizer, prompt_text, lead, tail)
    return AnswerFrame(
        lead=lead,
        tail=tail,
        decoded_lead=decoded_lead,
        decoded_tail=decoded_tail,
        end_token_id=end_token_id,
        end_is_written=end_is_written,
        control_tokens=tuple(name for name in names if name.strip()),
    )


def _decoded_around(tokenizer: Tokenizer, prompt_text: str, lead: str, tail: str) -> tuple[str, str]:
    """What lead and tail become when an answer's tokens are decoded, as the renderer encodes and decodes them."""
    prompt_ids, answer_text = tokenizer.encode(prompt_text), f"{lead}{_ANSWER.content}{tail}"
    token_ids = tokenizer.encode(prompt_text + answer_text)
    is_continued = token_ids[: len(prompt_ids)] == prompt_ids
    answer_ids = token_ids[len(prompt_ids) :] if is_continued else tokenizer.encode(answer_text)
    decoded_lead, answer, decoded_tail = tokenizer.decode(answer_ids).partition(_ANSWER.content)
    return (decoded_lead, decoded_tail) if answer else (lead, tail)  # a tokenizer that rewrites even plain words


def require_continuation(text: str, prompt_text: str, where: str) -> None:
    """Refuse a template whose answered conversation does not begin with its prompt.

    Raises:
        RenderError: training would show the model another prompt than it is given when it answers.
    """
    if not text.startswith(prompt_text):
        raise RenderError(
            Problem(
                where,
                f"an answered conversation that does not begin with its prompt, which ends in {prompt_text[-40:]!r}",
                "prompt, then answer",
                "This template cannot be trained on as it is: use a base whose template continues its own prompt.",
            )
        )


def require_whole_answer(answer: str, written: str, where: str) -> None:
    """Refuse an answer that the template writes in part only, as one that removes what stands before `</think>` does.

    White space and the tags of thinking may become others, and text may be added in between.

    Args:
        written: what the template writes from the prompt's end to the end of turn.
    Raises:
        RenderError: quoting what is left out, which the model would never learn.
    """
    if answer.strip() in written:
        return
    left = iter(_essence(written))
    if all(character in left for character in _essence(answer)):
        return
    start = bisect_left(range(len(answer)), True, key=lambda place: answer[: place + 1] not in written)
    end = bisect_left(range(len(answer)), True, key=lambda place: answer[place:] in written)
    missing = answer[start : max(end, start + 1)]
    dots = "..." if len(missing) > _MAX_QUOTED_CHARACTERS else ""
    raise RenderError(
        Problem(
            where,
            f"an answer of which {_WHERE} leaves out {missing[:_MAX_QUOTED_CHARACTERS]!r}{dots}",
            "an answer that is trained as a whole",
            "Remove that part from the answer, or use a base whose template writes it.",
        )
    )


def _essence(text: str) -> str:
    return "".join(_THINKING_TAG.sub("", text).split())
