"""What the renderer gives back: prompts, and training sequences with a loss weight for each token."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """Text that was taken out of a prompt, and the index of the first token behind it (the mark's)."""

    token_index: int
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given when it answers."""

    token_ids: tuple[int, ...]
    cut: Cut | None


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """Token ids with a loss weight each.

    Labels are not shifted: token t is predicted from the tokens before t, and loss_weights[t] belongs to token t.
    """

    example_id: str
    token_ids: tuple[int, ...]
    loss_weights: tuple[float, ...]
    """0.0 or 1.0; the first is always 0.0, as nothing comes before it."""
    cut: Cut | None

    @property
    def num_trained_tokens(self) -> int:
        """Tokens that the loss covers."""
        return len(self.loss_weights) - self.loss_weights.count(0.0)
