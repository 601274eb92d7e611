"""The head and its cross-entropy, a chunk of tokens at a time, with the gradient computed on the way forward.

The logits of a batch are its largest tensor by far, and the plain formula holds four of them. Here one chunk's logits
stay in the processor's cache and become the gradient of the chunk's hidden states at once. That costs the same products
as the plain formula. Where a teacher's distributions take the place of targets, its logits and ours are held whole, in
the dtype of the products, and chunks are of what is made of them.

This file needs torch to define its autograd function: import it inside functions.

Axes: N trained tokens, C tokens of one chunk, D size of a hidden state, V words of the vocabulary.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tunewright.model.projection import compute_copies

LOGITS_PER_CHUNK, TOKENS_PER_CHUNK = 2**23, 512
"""Most of each on a CPU, so that a chunk's logits stay in its cache. A vocabulary of 49,152 allows 170 tokens; 305 at
once took 1.2 times as long (one thread), and a whole step of that shape 3.20 GB instead of 3.07. A trained head
has no limit of logits: every chunk is added to its gradient, and 600 tokens in four chunks took 1.07 times as long as
in two."""
TOKENS_PER_CUDA_CHUNK = 8192
"""On a GPU a launch has to be worth it. 0.25 GB of logits in float32 for a vocabulary of 8,192."""
TOKENS_PER_SCORING_CHUNK = 256
"""On a CPU, without gradients: 128 and 512 measured 7 % slower. The bundled suite took 3.1 s for the first time instead
of 4.3 with the logits of a whole batch, most of it for memory that was touched for the first time; and 0.8 GB instead
of 1.5 (two threads, bfloat16, 2026-11-26)."""


def head_loss(head: torch.nn.Linear, hidden_ND: Tensor, targets_N: Tensor, weights_N: Tensor) -> Tensor:
    """Sum over tokens of weight x cross-entropy in nats, as `cross_entropy(head(hidden_ND), targets_N)` would give.

    Products run in autocast's dtype if it is on, the softmax in float32 at least.
    """
    device = hidden_ND.device.type
    compute = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else head.weight.dtype
    with torch.autocast(device, enabled=False):
        (cast_VD,) = compute_copies(head, [head.weight], compute)
        return _head_loss(hidden_ND, head.weight, head.bias, targets_N, weights_N, cast_VD)


def head_losses(head: torch.nn.Linear, hidden_ND: Tensor, targets_N: Tensor) -> Tensor:
    """[N], in nats, float32 at least: `cross_entropy(head(hidden_ND), targets_N)` of each token, without gradients."""
    tokens_per_chunk = TOKENS_PER_CUDA_CHUNK if hidden_ND.is_cuda else TOKENS_PER_SCORING_CHUNK
    wide = torch.promote_types(hidden_ND.dtype, torch.float32)
    losses_N = torch.empty(len(targets_N), dtype=wide, device=hidden_ND.device)
    for first in range(0, len(targets_N), tokens_per_chunk):
        chunk = slice(first, first + tokens_per_chunk)
        logits_CV = head_logits(head, hidden_ND[chunk]).to(wide)
        losses_N[chunk] = functional.cross_entropy(logits_CV, targets_N[chunk], reduction="none")
    return losses_N


def head_logits(head: torch.nn.Linear, hidden_ND: Tensor) -> Tensor:
    """[N, V], in the dtype of the hidden states, without a gradient for the head."""
    (cast_VD,) = compute_copies(head, [head.weight], hidden_ND.dtype)
    return functional.linear(hidden_ND, cast_VD, None if head.bias is None else head.bias.to(hidden_ND.dtype))


def taught_loss(logits_NV: Tensor, teacher_NV: Tensor, num_tokens: int) -> Tensor:
    """Sum over tokens of the cross-entropy with a teacher's distribution, in nats, divided by `num_tokens`.

    The gradient is that of `-(teacher_NV.float().softmax(-1) * logits_NV.float().log_softmax(-1)).sum() / num_tokens`
    to the last bit. 1,200 tokens of a vocabulary of 49,152 took 1.1 to 2.0 s and 2.8 GB with the formula, 0.2 s and 0.7
    GB here; 131,072 words 1.1 to 3.9 s and 5.5 GB, 0.6 s and 1.1 GB (two threads, bfloat16, 2026-11-27).

    Args:
        logits_NV: with a gradient.
        teacher_NV: the teacher's logits, without one.
    """
    return _taught_loss(logits_NV, teacher_NV, num_tokens)


class _TaughtLoss(torch.autograd.Function):
    """With p the softmax and q the teacher's: d loss / d logits = (p - q) / num_tokens."""

    @staticmethod
    def forward(ctx: Any, logits_NV: Tensor, teacher_NV: Tensor, num_tokens: int) -> Tensor:
        """The loss. The gradient is computed beside it and kept for `backward`."""
        most = max(1, min(TOKENS_PER_SCORING_CHUNK, LOGITS_PER_CHUNK // logits_NV.shape[1]))
        tokens_per_chunk = TOKENS_PER_CUDA_CHUNK if logits_NV.is_cuda else most
        of_logits_NV = torch.empty_like(logits_NV)
        loss = torch.zeros((), device=logits_NV.device)
        share = torch.ones_like(loss) / num_tokens
        for first in range(0, len(logits_NV), tokens_per_chunk):
            chunk = slice(first, first + tokens_per_chunk)
            log_p_CV = logits_NV[chunk].float().log_softmax(-1)
            of_log_p_CV = teacher_NV[chunk].float().softmax(-1).mul_(-share)
            loss += (of_log_p_CV * log_p_CV).sum()
            of_logits_NV[chunk] = torch._log_softmax_backward_data(of_log_p_CV, log_p_CV, -1, torch.float32)
        ctx.of_logits_NV = of_logits_NV
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The kept gradient times the loss's own, in place: it can be called once."""
        return ctx.of_logits_NV.mul_(gradients[0]), None, None


_taught_loss: Callable[..., Tensor] = _TaughtLoss.apply


class _HeadLoss(torch.autograd.Function):
    """With p the softmax and y the target as one-hot: d loss / d logits = weight * (p - y)."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        bias_V: Tensor | None,
        targets_N: Tensor,
        weights_N: Tensor,
        cast_VD: Tensor,
    ) -> Tensor:
        """The loss. The gradients of states, head and bias are computed beside it and kept for `backward`."""
        compute = cast_VD.dtype
        cast_V = None if bias_V is None else bias_V.to(compute)
        wide = torch.promote_types(compute, torch.float32)
        of_hidden_ND = torch.empty_like(hidden_ND)
        of_weight_VD = torch.zeros_like(weight_VD) if ctx.needs_input_grad[1] else None
        of_bias_V = torch.zeros_like(bias_V) if bias_V is not None and ctx.needs_input_grad[2] else None
        loss = torch.zeros((), dtype=wide, device=hidden_ND.device)
        tokens_per_chunk = _tokens_per_chunk(weight_VD, of_weight_VD is not None)
        for first in range(0, len(targets_N), tokens_per_chunk):
            chunk = slice(first, first + tokens_per_chunk)
            hidden_CD, targets_C1, weights_C1 = (
                hidden_ND[chunk].to(compute),
                targets_N[chunk, None],
                weights_N[chunk, None],
            )
            log_p_CV = torch.log_softmax(functional.linear(hidden_CD, cast_VD, cast_V).to(wide), dim=-1)
            loss -= (log_p_CV.gather(1, targets_C1) * weights_C1).sum()
            of_logits_CV = log_p_CV.exp_().scatter_add_(1, targets_C1, log_p_CV.new_full(targets_C1.shape, -1.0))
            of_logits_CV = of_logits_CV.mul_(weights_C1).to(compute)
            of_hidden_ND[chunk] = of_logits_CV @ cast_VD
            if of_weight_VD is not None:
                of_weight_VD += of_logits_CV.T @ hidden_CD
            if of_bias_V is not None:
                of_bias_V += of_logits_CV.sum(0)
        ctx.gradients = of_hidden_ND, of_weight_VD, of_bias_V
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The kept gradients times the loss's own, in place: it can be called once."""
        scaled = (None if gradient is None else gradient.mul_(gradients[0]) for gradient in ctx.gradients)
        return (*scaled, None, None, None)


def _tokens_per_chunk(weight_VD: Tensor, is_trained: bool) -> int:
    if weight_VD.is_cuda:
        return TOKENS_PER_CUDA_CHUNK
    return TOKENS_PER_CHUNK if is_trained else max(1, min(TOKENS_PER_CHUNK, LOGITS_PER_CHUNK // len(weight_VD)))


_head_loss: Callable[..., Tensor] = _HeadLoss.apply
