"""Which optimizer moves which weight."""

from typing import TYPE_CHECKING

from tunewright.model.adapter import trainable_parameters
from tunewright.records import TrainRecipe

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from transformers import PreTrainedModel


def make_optimizers(network: "PreTrainedModel", settings: TrainRecipe) -> "tuple[Optimizer, ...]":
    """One AdamW, or Muon for the matrices and AdamW for the rest. The loop sets the learning rate at every step.

    Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) takes matrices only, and embeddings are tables of
    vectors rather than maps between spaces. Its step is scaled to the size of AdamW's (Liu et al. 2025,
    arXiv:2502.16982, section 2.2), so one learning rate serves both.
    """
    from torch.optim import AdamW, Muon

    parameters = trainable_parameters(network)
    matrices = []
    if settings.optimizer == "muon":
        tables = (network.get_input_embeddings(), network.get_output_embeddings())
        in_tables = {id(parameter) for table in tables if table is not None for parameter in table.parameters()}
        matrices = [one for one in parameters.values() if one.ndim == 2 and id(one) not in in_tables]
    others = {id(one) for one in parameters.values()} - {id(one) for one in matrices}
    optimizers: list[Optimizer] = []
    if matrices:
        optimizers.append(Muon(matrices, lr=0.0, weight_decay=settings.weight_decay, adjust_lr_fn="match_rms_adamw"))
    if others:
        rest = [one for one in parameters.values() if id(one) in others]
        # The fused form is 3x faster on a CPU than the loop over tensors.
        optimizers.append(AdamW(rest, lr=0.0, weight_decay=settings.weight_decay, fused=True))
    return tuple(optimizers)
