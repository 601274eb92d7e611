"""Make the renderer of a base from its folder: its tokenizer, its chat template, and what is special about them."""

from pathlib import Path

from tunewright.records.base import content_hash
from tunewright.render.answer_frame import AnswerFrame, find_answer_frame
from tunewright.render.renderer import NO_LIMIT, Renderer
from tunewright.render.template import PINNED_DATE, PLAIN_TEMPLATE, ChatTemplate
from tunewright.render.tokenizer import Tokenizer, read_tokenizer
from tunewright.render.tools import find_tool_support

RENDERER_VERSION = 2
"""Raised when the same base and rows would become other tokens than before."""


def load_renderer(folder: Path) -> Renderer:
    """Make the renderer of a base model, without limits. Takes its chat template, or the plain one if it has none.

    Args:
        folder: a local model folder in the hub's layout.
    Raises:
        ModelError: the tokenizer cannot be read or does not belong to the model.
        RenderError: the chat template does not compile or cannot be trained on.
    """
    tokenizer = read_tokenizer(folder)
    special_tokens = dict(tokenizer.special_tokens)
    if tokenizer.chat_template is None and not tokenizer.adds_bos:
        special_tokens.pop("bos_token", None)
    template = ChatTemplate(tokenizer.chat_template or PLAIN_TEMPLATE, special_tokens)
    frame = find_answer_frame(template, tokenizer)
    template_name = "the base's chat template" if tokenizer.chat_template else "the built-in plain template"
    eos_token_id = tokenizer.eos_token_ids[0]
    identity = {
        "renderer_version": RENDERER_VERSION,
        "template": template.source,
        "vocabulary": tokenizer.vocabulary_sha256,
        "special_tokens": special_tokens,
        "end_of_turn": frame.end_token_id,
    }
    return Renderer(
        hash=content_hash(identity),
        stop_token_ids=frozenset({frame.end_token_id, *tokenizer.eos_token_ids}),
        pad_token_id=eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        vocabulary_size=tokenizer.vocabulary_size,
        max_length=NO_LIMIT,
        max_answer_tokens=NO_LIMIT // 2,
        notes=_notes(tokenizer, frame),
        _tokenizer=tokenizer,
        _template=template,
        _frame=frame,
        _tools=find_tool_support(template, template_name),
    )


def _notes(tokenizer: Tokenizer, frame: AnswerFrame) -> tuple[str, ...]:
    notes = []
    if tokenizer.chat_template is None:
        notes.append("this base has no chat template: using the built-in plain template")
    elif "strftime_now" in tokenizer.chat_template:
        notes.append(f"the chat template writes today's date: it is fixed to {PINNED_DATE:%d %b %Y} for equal prompts")
    if not frame.end_is_written:
        end = tokenizer.token_text(frame.end_token_id)
        notes.append(f"the chat template ends no turn: {end} is put after every answer")
    if tokenizer.pad_token_id is None:
        pad = tokenizer.token_text(tokenizer.eos_token_ids[0])
        notes.append(f"this base has no padding token: {pad} fills up batches, masked everywhere")
    return tuple(notes)
