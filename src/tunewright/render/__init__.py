"""Messages to token ids, loss weights and stop rules: one renderer for training, evaluation and chat."""

from tunewright.render.renderer import Cut, Prompt, Renderer, TokenSequence, load_renderer

__all__ = ["Cut", "Prompt", "Renderer", "TokenSequence", "load_renderer"]
