"""Packed batches against padded ones through transformers' own attention, in float64 and bfloat16."""

import random
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
import torch
from tiny_base import write_tiny_base
from torch import Tensor
from torch.nn import functional

from tunewright.errors import ModelError
from tunewright.model import attention, documents, layout
from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.attention import attention_within_documents, document_attention
from tunewright.model.batch import (
    MIN_SHARED_TOKENS,
    cut_best_fit,
    num_shared_tokens,
    pack_sequences,
    pad_sequences,
)
from tunewright.model.forward import compute_precision, trained_loss, trained_token_losses
from tunewright.model.generate import generate_greedy
from tunewright.model.head import head_loss, head_losses
from tunewright.model.layout import attention_path
from tunewright.model.load import load_base
from tunewright.records import Full, Lora, Method
from tunewright.render import TokenSequence
from tunewright.train.loss import accumulate_gradients

PACKED = ("llama", "qwen2", "qwen3", "mistral", "gemma", "phi", "gpt2", "gpt_neox", "granite")
FAST = ("llama", "qwen2", "qwen3", "mistral", "gemma")
FULL, LORA = Full(), Lora(rank=4, alpha=8.0, dropout=0.0)


def make_sequences(lengths: list[int], seed: int = 0) -> list[TokenSequence]:
    """Random tokens; the first sequence trained throughout, the next on its second half, and so on."""
    chance = random.Random(seed)
    sequences = []
    for row, length in enumerate(lengths):
        num_read = length // 2 if row % 2 else 1
        weights = (0.0,) * num_read + (1.0,) * (length - num_read)
        sequences.append(TokenSequence(str(row), tuple(chance.choices(range(5, 200), k=length)), weights, None))
    return sequences


SEQUENCES = make_sequences([20, 7, 33, 12, 2])


def load(folder: Path, architecture: str, method: Method = FULL, dtype: torch.dtype = torch.float64) -> Any:
    """As `load_unpatched`, with norms that compute in the dtype of the network."""
    return exact_norms(load_unpatched(folder, architecture, method, dtype))


def load_unpatched(folder: Path, architecture: str, method: Method, dtype: torch.dtype = torch.float64) -> Any:
    """A network without dropout; a LoRA adapter is made to matter."""
    base = load_base(write_tiny_base(folder / "base", architecture))
    network = prepare_for_training(base, method, seed=0).to(dtype)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    torch.manual_seed(1)
    for name, parameter in network.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return network.train()


def exact_norms(network: Any) -> Any:
    """Transformers' norms compute in float32 even when the network is float64; these compute in the network's dtype."""

    def forward(module: Any, states: Tensor) -> Tensor:
        is_gemma = hasattr(module, "eps")
        epsilon = module.eps if is_gemma else module.variance_epsilon
        weight = 1.0 + module.weight if is_gemma else module.weight
        return weight * states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + epsilon)

    for module in network.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = MethodType(forward, module)
    return network


def gradients_of(loss: Tensor, network: Any) -> dict[str, Tensor]:
    network.zero_grad()
    torch.autograd.backward(loss)
    return {
        name: parameter.grad.clone()
        for name, parameter in trainable_parameters(network).items()
        if parameter.grad is not None
    }


def assert_same(
    found: dict[str, Tensor], expected: dict[str, Tensor], relative: float = 1e-9, rounding: float = 1e-12
) -> None:
    assert found.keys() == expected.keys()
    largest = max(gradient.norm().item() for gradient in expected.values())
    for name, gradient in expected.items():
        # A key's bias has no gradient but rounding.
        assert (found[name] - gradient).norm() <= relative * gradient.norm() + rounding * largest, name


def padded_loss(network: Any, sequences: list[TokenSequence]) -> Tensor:
    losses, weights, _ = trained_token_losses(network, pad_sequences(sequences, 0, network.device))
    return (losses * weights).sum()


def relative_error(found: Tensor, expected: Tensor) -> float:
    return ((found.double() - expected.double()).norm() / expected.double().norm()).item()


# PEFT says so of every GPT-2, and does the right thing.
@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning")
@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("architecture", PACKED)
def test_packed_loss_and_every_gradient_equal_the_padded_batch(
    architecture: str, method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "TOKENS_PER_BLOCK", 8)  # several blocks per document
    network = load(tmp_path, architecture, method)
    path, reason = attention_path(network)
    assert path == ("fast" if architecture in FAST else "packed"), reason
    expected = padded_loss(network, SEQUENCES)
    expected_gradients = gradients_of(expected, network)
    found = trained_loss(network, pack_sequences(SEQUENCES, network.device))
    found_gradients = gradients_of(found, network)
    assert found.item() == pytest.approx(expected.item(), rel=1e-9)
    assert_same(found_gradients, expected_gradients)


def loss_of_transformers(network: Any, sequences: list[TokenSequence]) -> Tensor:
    """Sum over the trained tokens, row after row, as transformers' own forward gives it for labels."""
    loss = torch.zeros(())
    for sequence in sequences:
        labels = [
            token if weight else -100 for token, weight in zip(sequence.token_ids, sequence.loss_weights, strict=True)
        ]
        rows = {"input_ids": torch.tensor([sequence.token_ids]), "labels": torch.tensor([labels])}
        loss = loss + network(**rows, num_items_in_batch=1).loss
    return loss


# PEFT says so of every GPT-2, and does the right thing.
@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning")
@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("architecture", PACKED)
def test_loss_and_every_gradient_equal_those_of_transformers_as_it_is(
    architecture: str, method: Method, tmp_path: Path
) -> None:
    """No nearer than float32: whatever the dtype of the weights, their RMSNorm and their loss compute in it."""
    network = load_unpatched(tmp_path, architecture, method)
    expected = loss_of_transformers(network, SEQUENCES)
    expected_gradients = gradients_of(expected, network)
    found = trained_loss(network, pack_sequences(SEQUENCES, network.device))
    found_gradients = gradients_of(found, network)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    assert_same(found_gradients, expected_gradients, relative=1e-6)


@pytest.mark.parametrize(("architecture", "reason"), [("gemma2", "`softcap`"), ("bloom", "has attention of its own")])
def test_other_attention_is_padded_and_the_reason_given(architecture: str, reason: str, tmp_path: Path) -> None:
    network = load(tmp_path, architecture)
    path, found = attention_path(network)
    assert path == "padded"
    assert reason in found
    loss = accumulate_gradients(network, SEQUENCES, tokens_per_micro_batch=40, pad_token_id=0, precision="float32")
    assert loss == pytest.approx(padded_loss(network, SEQUENCES).item() / sum(sum(s.loss_weights) for s in SEQUENCES))


def test_sequences_longer_than_the_window_are_padded(tmp_path: Path) -> None:
    network = load(tmp_path, "mistral")
    assert attention_path(network, longest=64)[0] == "fast"
    assert attention_path(network, longest=65) == (
        "padded",
        "sequences of up to 65 tokens are longer than the sliding_window of 64",
    )
    with attention_within_documents(network), pytest.raises(ModelError, match=r"a window of 64 tokens.*Use padded"):
        network(torch.zeros(1, 65, dtype=torch.int64), document_offsets=(0, 65))


def test_a_network_whose_documents_see_each_other_is_padded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_document(*states: Any, document_offsets: tuple[int, ...], **settings: Any) -> Any:
        return document_attention(*states, document_offsets=(0, document_offsets[-1]), **settings)

    monkeypatch.setattr(attention, "document_attention", one_document)
    path, reason = attention_path(load(tmp_path, "phi"))
    assert path == "padded"
    assert reason.startswith("PhiForCausalLM gives other losses when packed, by ")


def test_the_head_is_taken_alone_only_where_logits_are_nothing_else(tmp_path: Path) -> None:
    assert layout.layout_of(load(tmp_path / "1", "llama")).has_plain_head
    assert not layout.layout_of(load(tmp_path / "2", "granite")).has_plain_head


def test_a_head_with_an_adapter_is_not_taken_for_a_plain_one(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    base = load(tmp_path, "llama")
    attention_path(base)
    network = get_peft_model(base, LoraConfig(target_modules=["q_proj", "lm_head"], init_lora_weights=False)).eval()
    found = trained_loss(network, pack_sequences(SEQUENCES, base.device))
    assert found.item() == pytest.approx(padded_loss(network, SEQUENCES).item(), rel=1e-9)


def test_documents_do_not_see_each_other(tmp_path: Path) -> None:
    network = load(tmp_path, "llama").eval()
    others = make_sequences([20, 7, 33, 12, 2], seed=1)
    changed = [SEQUENCES[0], others[1], SEQUENCES[2], *others[3:]]
    before, _, row = trained_token_losses(network, pack_sequences(SEQUENCES, network.device))
    after, _, _ = trained_token_losses(network, pack_sequences(changed, network.device))
    kept = (row == 0) | (row == 2)
    assert torch.equal(before[kept], after[kept])
    assert not torch.isclose(before[~kept], after[~kept]).any()


def test_every_trained_token_is_scored_once_in_a_packed_batch(tmp_path: Path) -> None:
    network = load(tmp_path, "llama")
    expected = trained_token_losses(network, pad_sequences(SEQUENCES, 0, network.device))
    found = trained_token_losses(network, pack_sequences(SEQUENCES, network.device))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_the_first_token_of_a_document_is_never_a_target() -> None:
    batch = pack_sequences([TokenSequence("x", (5, 6), (1.0, 1.0), None)] * 2, torch.device("cpu"))
    assert batch.positions_N.tolist() == [0, 1]
    assert batch.targets_N.tolist() == [6, 6]
    assert batch.position_ids_T.tolist() == [0, 0]
    assert batch.document_offsets == (0, 1, 2)


@pytest.mark.parametrize("tokens_per_micro_batch", [1, 30, 60])
def test_micro_batches_add_up_to_one_batch(tokens_per_micro_batch: int, tmp_path: Path) -> None:
    network = load(tmp_path, "llama")
    gradients = []
    for most in (tokens_per_micro_batch, 1000):
        network.zero_grad()
        accumulate_gradients(network, SEQUENCES, tokens_per_micro_batch=most, pad_token_id=0, precision="float32")
        gradients.append({name: value.grad.clone() for name, value in trainable_parameters(network).items()})
    assert_same(*gradients)


def test_groups_are_filled_best_within_the_token_limit() -> None:
    assert cut_best_fit([3, 10, 4, 10, 50, 8, 9], 20) == [[4], [1, 3], [0, 5, 6], [2]]
    assert cut_best_fit([], 20) == []


# What several rows begin with


def make_rows_with_prompt(num_prompt: int, weight: float = 0.0) -> list[TokenSequence]:
    prompt = tuple(range(100, 100 + num_prompt))
    return [
        TokenSequence(one.example_id, prompt + one.token_ids, (weight,) * num_prompt + one.loss_weights, None)
        for one in SEQUENCES
    ]


@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning")
@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma", "phi", "gpt2", "gpt_neox"])
@pytest.mark.parametrize("most_kept", [0, 1024], ids=["computed-again", "kept"])
def test_a_shared_prompt_gives_the_loss_and_gradients_of_a_repeated_one(
    architecture: str, method: Method, most_kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "TOKENS_PER_BLOCK", 8)
    monkeypatch.setattr(documents, "MAX_KEPT_TOKENS", most_kept)
    network = load(tmp_path, architecture, method)
    rows = make_rows_with_prompt(21)
    shared = pack_sequences(rows, network.device)
    assert shared.num_shared_tokens == 21
    assert len(shared.token_ids_T) == 21 + sum(len(one.token_ids) - 1 for one in SEQUENCES)
    losses = [padded_loss(network, rows), trained_loss(network, shared)]
    expected, found = (gradients_of(loss, network) for loss in losses)
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-9)
    assert_same(found, expected)


def test_scoring_gives_every_row_its_own_losses_after_a_shared_prompt(tmp_path: Path) -> None:
    network = load(tmp_path, "llama")
    rows = make_rows_with_prompt(30)
    expected = trained_token_losses(network, pad_sequences(rows, 0, network.device))
    with torch.no_grad():
        found = trained_token_losses(network, pack_sequences(rows, network.device))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_a_batch_shares_what_all_its_rows_begin_with_and_leaves_each_a_token() -> None:
    rows = make_rows_with_prompt(20)
    assert num_shared_tokens(rows) == 20
    assert num_shared_tokens(rows[:1]) == 0
    last_only = TokenSequence("x", tuple(range(40)), (0.0,) * 39 + (1.0,), None)
    assert num_shared_tokens([last_only, last_only]) == 38
    assert num_shared_tokens(make_rows_with_prompt(MIN_SHARED_TOKENS - 1)) == 0
    assert num_shared_tokens(make_rows_with_prompt(40, weight=1.0)) == 0
    assert pack_sequences(rows, torch.device("cpu"), share=False).num_shared_tokens == 0


def test_what_comes_after_the_last_trained_token_is_not_read() -> None:
    sequence = TokenSequence("x", (5, 6, 7, 8, 9), (0.0, 1.0, 1.0, 0.0, 0.0), None)
    batch = pack_sequences([sequence, sequence], torch.device("cpu"))
    assert batch.token_ids_T.tolist() == [5, 6, 5, 6]
    assert batch.targets_N.tolist() == [6, 7, 6, 7]


@pytest.mark.parametrize("tokens_per_micro_batch", [1, 45, 80])
def test_micro_batches_with_a_shared_prompt_add_up(tokens_per_micro_batch: int, tmp_path: Path) -> None:
    network = load(tmp_path, "llama")
    rows = make_rows_with_prompt(24)
    loss = accumulate_gradients(
        network, rows, tokens_per_micro_batch=tokens_per_micro_batch, pad_token_id=0, precision="float32"
    )
    found = {name: value.grad.clone() for name, value in trainable_parameters(network).items()}
    expected = padded_loss(network, rows) / sum(row.num_trained_tokens for row in rows)
    assert loss == pytest.approx(expected.item(), rel=1e-9)
    assert_same(found, gradients_of(expected, network))


def test_generation_before_and_after_packed_training_steps_is_the_same(tmp_path: Path) -> None:
    network = load(tmp_path, "llama", LORA, torch.float32)

    def answers() -> list[list[int]]:
        prompts = [[5, 6, 7], [8, 9, 10, 11, 12]]
        network.eval()
        written = generate_greedy(network, prompts, max_new_tokens=8, stop_token_ids=frozenset(), pad_token_id=0)
        return [continuation.token_ids for continuation in written]

    before = answers()
    implementation = network.config._attn_implementation
    network.train()
    accumulate_gradients(network, SEQUENCES, tokens_per_micro_batch=40, pad_token_id=0, precision="float32")
    assert network.config._attn_implementation == implementation == "sdpa"
    assert answers() == before


def test_training_goes_on_after_scoring_without_gradients(tmp_path: Path) -> None:
    network = load(tmp_path, "llama")
    with torch.inference_mode():
        trained_token_losses(network, pack_sequences(SEQUENCES, network.device))
    loss = accumulate_gradients(network, SEQUENCES, tokens_per_micro_batch=99, pad_token_id=0, precision="float32")
    assert loss > 0


# The function by itself, against torch's.


def make_states(lengths: list[int], num_heads: int, num_keys: int, dtype: torch.dtype) -> tuple[list[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(0)
    total = sum(lengths)
    states = [torch.randn(1, total, heads, 16, generator=generator) for heads in (num_heads, num_keys, num_keys)]
    gradient = torch.randn(1, total, num_heads, 16, generator=generator)
    return [state.to(dtype).transpose(1, 2).requires_grad_() for state in states], gradient.to(dtype)


def reference_attention(states: list[Tensor], lengths: list[int]) -> Tensor:
    documents = zip(*(state.split(lengths, dim=2) for state in states), strict=True)
    return torch.cat(
        [
            functional.scaled_dot_product_attention(*document, is_causal=True, enable_gqa=True).transpose(1, 2)
            for document in documents
        ],
        dim=1,
    )


def attend(states: list[Tensor], lengths: list[int], **settings: Any) -> Tensor:
    offsets = [sum(lengths[:number]) for number in range(len(lengths) + 1)]
    return document_attention(torch.nn.Identity(), *states, None, document_offsets=offsets, **settings)[0]


LENGTHS = [1, 5, 300, 128, 129]


@pytest.mark.parametrize("num_keys", [1, 2, 6])
@pytest.mark.parametrize("most_kept", [0, 1024], ids=["computed-again", "kept"])
def test_attention_and_its_gradients_equal_torch(
    num_keys: int, most_kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_KEPT_TOKENS", most_kept)
    states, gradient = make_states(LENGTHS, 6, num_keys, torch.float64)
    expected = reference_attention(states, LENGTHS)
    expected_gradients = torch.autograd.grad(expected, states, gradient)
    found = attend(states, LENGTHS)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, states, gradient), expected_gradients)


def test_bfloat16_attention_is_about_as_exact_as_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against float64, relative: output, and the gradients of query, key and value."""
    exact_states, exact_gradient = make_states(LENGTHS, 6, 2, torch.float64)
    exact = reference_attention(exact_states, LENGTHS)
    exact_all = [exact, *torch.autograd.grad(exact, exact_states, exact_gradient)]
    errors = []
    for compute in (reference_attention, attend):
        states, gradient = make_states(LENGTHS, 6, 2, torch.bfloat16)
        out = compute(states, LENGTHS)
        results = [out, *torch.autograd.grad(out, states, gradient)]
        errors.append([relative_error(one, other) for one, other in zip(results, exact_all, strict=True)])
    for of_torch, ours in zip(*errors, strict=True):
        assert ours < 1.5 * of_torch < 0.02


def test_under_autocast_attention_computes_in_its_dtype_and_gives_back_float32_gradients() -> None:
    states, gradient = make_states([9], 4, 2, torch.float32)
    with compute_precision("bfloat16", torch.device("cpu")):
        found = attend(states, [9])
    assert found.dtype == torch.bfloat16
    assert {one.dtype for one in torch.autograd.grad(found, states, gradient.bfloat16())} == {torch.float32}


def test_dropout_of_attention_weights_is_torchs() -> None:
    states, _ = make_states([9, 4], 4, 2, torch.float32)
    torch.manual_seed(0)
    dropped = attend(states, [9, 4], dropout=0.5)
    torch.manual_seed(0)
    assert torch.equal(attend(states, [9, 4], dropout=0.5), dropped)
    assert not torch.allclose(dropped, attend(states, [9, 4]))


@pytest.mark.parametrize(
    ("settings", "wish"),
    [
        ({"softcap": 5.0}, "`softcap`"),
        ({"s_aux": torch.ones(2)}, "`s_aux`"),
        ({"is_causal": False}, "a mask of its own"),
    ],
)
def test_attention_of_another_kind_is_refused(settings: dict[str, Any], wish: str) -> None:
    states, _ = make_states([4], 2, 2, torch.float32)
    with pytest.raises(ModelError, match=rf"Identity: found attention with {wish}, expected causal .* padded batches"):
        attend(states, [4], **settings)


# The head


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("is_trained", [False, True])
def test_the_head_in_chunks_equals_the_plain_formula(
    has_bias: bool, is_trained: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = {"TOKENS_PER_CHUNK": 4} if is_trained else {"LOGITS_PER_CHUNK": 4 * 20}
    for name, number in most.items():
        monkeypatch.setattr(f"tunewright.model.head.{name}", number)
    torch.manual_seed(0)
    head = torch.nn.Linear(8, 20, bias=has_bias, dtype=torch.float64).requires_grad_(is_trained)
    hidden = torch.randn(10, 8, dtype=torch.float64, requires_grad=True)
    targets, weights = torch.randint(20, (10,)), torch.rand(10)
    wanted = [hidden, *(head.parameters() if is_trained else ())]
    expected = (functional.cross_entropy(head(hidden), targets, reduction="none") * weights).sum() / 7
    found = head_loss(head, hidden, targets, weights) / 7
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, wanted), torch.autograd.grad(expected, wanted))


@pytest.mark.parametrize("num_tokens", [0, 1, 10])
def test_losses_of_tokens_in_chunks_equal_the_plain_formula(num_tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewright.model.head.TOKENS_PER_SCORING_CHUNK", 4)
    torch.manual_seed(0)
    head = torch.nn.Linear(8, 20, dtype=torch.float64)
    hidden, targets = torch.randn(num_tokens, 8, dtype=torch.float64), torch.randint(20, (num_tokens,))
    with torch.no_grad():
        expected = functional.cross_entropy(head(hidden), targets, reduction="none")
        torch.testing.assert_close(head_losses(head, hidden, targets), expected)
