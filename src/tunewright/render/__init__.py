"""Messages to token ids, loss weights and stop rules: one renderer for training, evaluation and chat."""

from tunewright.render.load import load_renderer
from tunewright.render.renderer import Renderer
from tunewright.render.sequence import Cut, Prompt, TokenSequence

__all__ = ["Cut", "Prompt", "Renderer", "TokenSequence", "load_renderer"]
