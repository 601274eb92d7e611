"""Derived settings against the table in docs/recipes.md."""

import pytest

from tunewright.records import DataRecipe, EvaluateRecipe, Full, Lora, RetentionRecipe, TrainRecipe, TuneRecipe
from tunewright.train.defaults import TrainingFacts, derive, derive_limits, precision_here


def resolve(recipe=None, *, context_length=2048, answer_tokens=(10, 40), num_train_rows=1000, **facts):
    defaults = {
        "num_train_rows": num_train_rows,
        "num_train_sequences": num_train_rows,
        "num_parameters": 135_000_000,
        "vocabulary_size": 49_152,
        "precision": ("float32", "no fast bfloat16"),
    }
    recipe = recipe or TuneRecipe(data=DataRecipe(path="rows.jsonl"))
    recipe, limits = derive_limits(recipe, context_length, answer_tokens)
    recipe, derived = derive(recipe, TrainingFacts(**{**defaults, **facts}))
    return recipe, derived + limits


@pytest.mark.parametrize(("num_rows", "rank"), [(100, 16), (1_999, 16), (2_000, 32), (20_000, 32), (20_001, 64)])
def test_rank_grows_with_the_rows(num_rows, rank):
    recipe, _ = resolve(num_train_rows=num_rows)
    assert (recipe.method.rank, recipe.method.alpha) == (rank, 2.0 * rank)


@pytest.mark.parametrize(("num_rows", "dropout", "rows_per_step"), [(499, 0.05, 8), (500, 0.0, 16)])
def test_small_data_gets_dropout_and_small_steps(num_rows, dropout, rows_per_step):
    recipe, _ = resolve(num_train_rows=num_rows)
    assert (recipe.method.dropout, recipe.train.rows_per_step) == (dropout, rows_per_step)


@pytest.mark.parametrize(
    ("num_parameters", "rate"), [(999_999_999, 4e-4), (1_000_000_000, 3e-4), (4_000_000_000, 2e-4), (14e9, 1e-4)]
)
def test_learning_rate_falls_with_the_size_of_the_base_and_full_takes_a_tenth(num_parameters, rate):
    lora, _ = resolve(num_parameters=int(num_parameters))
    full, _ = resolve(TuneRecipe(data=DataRecipe(path="x"), method=Full()), num_parameters=int(num_parameters))
    assert lora.train.learning_rate == rate
    assert full.train.learning_rate == pytest.approx(rate / 10)


@pytest.mark.parametrize(
    ("num_rows", "epochs"), [(50, 14.3), (99, 7.7), (400, 3.0), (1_600, 3.0), (5_000, 2.0), (30_000, 1.0)]
)
def test_epochs_fall_with_the_rows_but_give_a_hundred_steps(num_rows, epochs):
    recipe, _ = resolve(num_train_rows=num_rows)
    assert recipe.train.epochs == epochs
    assert epochs * -(-num_rows // recipe.train.rows_per_step) >= 100


def test_epochs_and_rows_per_step_count_the_sequences_that_rows_become_and_the_rest_counts_rows():
    few, derived = resolve(num_parameters=11_500_000, num_train_rows=30, num_train_sequences=720)
    assert (few.train.rows_per_step, few.train.epochs) == (8, 3.4)
    assert (few.method.rank, few.method.dropout, few.train.learning_rate) == (16, 0.05, 4e-3)
    reasons = {item.setting: item.reason for item in derived}
    assert reasons["train.epochs"] == "3 epochs would be 270 steps only; raised to reach 300"
    what = "8 under 2,000 training sequences (here 720 of 30 rows) for a base under 50M parameters"
    assert reasons["train.rows_per_step"] == what
    assert reasons["method.rank"] == "16 under 2,000 training rows (here 30)"
    many, derived = resolve(num_train_rows=300, num_train_sequences=7_200)
    assert (many.train.rows_per_step, many.train.epochs) == (16, 2.0)
    reasons = {item.setting: item.reason for item in derived}
    assert reasons["train.rows_per_step"] == "16 from 500 training sequences on (here 7,200 of 300 rows)"
    assert reasons["train.epochs"].startswith("2 for 7,200 training sequences of 300 rows; stops earlier")


def test_where_each_row_is_one_sequence_the_reasons_speak_of_rows():
    reasons = {item.setting: item.reason for item in resolve(num_train_rows=5_000)[1]}
    assert reasons["train.rows_per_step"] == "16 from 500 training rows on (here 5,000)"
    assert reasons["train.epochs"].startswith("2 for 5,000 training rows; stops earlier")


def test_answers_get_a_quarter_more_room_than_the_longest():
    assert resolve(answer_tokens=[10, 40])[0].evaluate.max_answer_tokens == 50
    assert resolve(answer_tokens=[10, 1000])[0].evaluate.max_answer_tokens == 1000
    assert resolve(answer_tokens=[3000])[0].evaluate.max_answer_tokens == 2016
    assert resolve(answer_tokens=[])[0].evaluate.max_answer_tokens == 512
    assert resolve(answer_tokens=[10], context_length=16)[0].evaluate.max_answer_tokens == 8


def test_an_answer_that_cannot_fit_takes_no_room_from_the_prompts_of_other_rows():
    assert resolve(answer_tokens=[10, 40, 5000])[0].evaluate.max_answer_tokens == 50


def test_what_the_user_set_stays_and_is_not_listed():
    recipe = TuneRecipe(
        data=DataRecipe(path="x"),
        method=Lora(rank=3, alpha=5.0, dropout=0.2),
        train=TrainRecipe(learning_rate=0.5, rows_per_step=2, epochs=1, max_length=64, tokens_per_micro_batch=100),
        evaluate=EvaluateRecipe(max_answer_tokens=7),
        retention=RetentionRecipe(beyond="tell", rehearsal="fallback"),
    )
    resolved, derived = resolve(recipe)
    assert resolved.model_copy(update={"train": recipe.train}) == recipe
    assert [item.setting for item in derived] == ["train.precision"]


def test_every_derived_setting_comes_with_a_reason():
    recipe, derived = resolve()
    names = {item.setting for item in derived}
    assert names == {
        "method.rank", "method.alpha", "method.dropout", "train.learning_rate", "train.rows_per_step", "train.epochs",
        "train.max_length", "train.tokens_per_micro_batch", "train.precision", "evaluate.max_answer_tokens",
        "retention.beyond", "retention.rehearsal",
    }  # fmt: skip
    assert all(item.reason for item in derived)
    # By what checkpoints are kept follows from the metric, which is chosen later (train/keep_by.py).
    assert {name for name, value in recipe.train if value is None} == {"keep_by", "validation_answers"}


@pytest.mark.parametrize(
    ("has_avx512", "has_amx", "expected"),
    [(True, False, "bfloat16"), (False, True, "bfloat16"), (False, False, "float32")],
)
def test_bfloat16_is_chosen_only_where_it_is_fast(has_avx512, has_amx, expected, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: has_avx512)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: has_amx)
    precision, reason = precision_here()
    assert precision == expected
    assert "bfloat16" in reason


@pytest.mark.parametrize(("is_supported", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_with_cuda_the_device_decides(is_supported, expected, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    # torch counts slow emulation as support unless it is asked not to.
    monkeypatch.setattr(
        "torch.cuda.is_bf16_supported", lambda including_emulation=True: is_supported or including_emulation
    )
    assert precision_here()[0] == expected


@pytest.mark.parametrize(("vocabulary_size", "tokens"), [(8_192, 2048), (128_000, 2048), (262_144, 1024)])
def test_a_large_vocabulary_gets_smaller_micro_batches(vocabulary_size, tokens):
    assert resolve(vocabulary_size=vocabulary_size)[0].train.tokens_per_micro_batch == tokens


def test_small_bases_get_small_and_many_steps():
    recipe, _ = resolve(num_parameters=8_000_000, num_train_rows=576)
    assert (recipe.train.learning_rate, recipe.train.rows_per_step) == (4e-3, 8)
    assert recipe.train.epochs == 4.2
    assert resolve(num_parameters=8_000_000, num_train_rows=2_000)[0].train.rows_per_step == 16
    assert resolve(num_parameters=8_000_000, num_train_rows=15_000)[0].train.epochs == 2.0


@pytest.mark.parametrize(
    ("num_rows", "rate"), [(576, 4e-3), (1_999, 4e-3), (2_000, 2e-3), (14_842, 2e-3), (20_001, 1e-3)]
)
def test_the_rate_of_small_bases_falls_as_the_rank_rises_and_its_reason_says_so(num_rows, rate):
    recipe, derived = resolve(num_parameters=11_500_000, num_train_rows=num_rows)
    assert recipe.train.learning_rate == rate
    (reason,) = (item.reason for item in derived if item.setting == "train.learning_rate")
    assert ("0.004 up to rank 16, less in proportion above" in reason) == (rate < 4e-3)


@pytest.mark.parametrize(("rank", "rate"), [(4, 4e-3), (16, 4e-3), (24, 2.7e-3), (1000, 6.4e-5)])
def test_the_rank_that_lowers_the_rate_may_be_the_users(rank, rate):
    chosen = TuneRecipe(data=DataRecipe(path="x"), method=Lora(rank=rank))
    assert resolve(chosen, num_parameters=11_500_000)[0].train.learning_rate == rate


def test_large_bases_and_full_tuning_keep_their_rate_with_many_rows():
    # Nothing else was measured there.
    assert resolve(num_train_rows=1_000_000)[0].train.learning_rate == 4e-4
    full = TuneRecipe(data=DataRecipe(path="x"), method=Full())
    assert resolve(full, num_parameters=11_500_000, num_train_rows=1_000_000)[0].train.learning_rate == 4e-4


@pytest.mark.parametrize(
    ("num_parameters", "beyond", "rehearsal"),
    [(49_999_999, "tell", "from_start"), (50_000_000, "refuse", "fallback"), (7e9, "refuse", "fallback")],
)
def test_small_bases_rehearse_from_the_start_and_may_be_kept_beyond_the_limits(num_parameters, beyond, rehearsal):
    recipe, derived = resolve(num_parameters=int(num_parameters))
    assert (recipe.retention.beyond, recipe.retention.rehearsal) == (beyond, rehearsal)
    reasons = [item.reason for item in derived if item.setting.startswith("retention.")]
    assert len(reasons) == 2
    assert all("50M parameters" in reason for reason in reasons)


def test_a_setting_that_only_tell_reads_asks_for_it():
    chosen = TuneRecipe(data=DataRecipe(path="x"), retention=RetentionRecipe(max_task_loss_increase=0.01))
    recipe, derived = resolve(chosen)
    assert recipe.retention.beyond == "tell"
    assert any("max_task_loss_increase" in item.reason for item in derived)


def test_where_general_ability_is_not_watched_nothing_is_derived_for_it():
    chosen = TuneRecipe(data=DataRecipe(path="x"), retention=RetentionRecipe(enabled=False))
    recipe, derived = resolve(chosen)
    assert recipe.retention == chosen.retention
    assert not any(item.setting.startswith("retention.") for item in derived)
