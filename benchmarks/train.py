"""How fast is training, beside TRL's SFTTrainer on the same weights, rows and steps?

    python benchmarks/train.py                  # the races: about an hour and a half of an otherwise idle machine
    python benchmarks/train.py --full           # also every length and prompt: as long again
    python benchmarks/train.py --only sweep     # one part; parts are added to the same result file
    python benchmarks/train.py --shared-machine # where other work cannot be kept away

Every entrant is a file of its own (race_*.py) and runs in a process of its own, with the allocator settings that
tunewright's worker has. Entrants of a race take turns, A B A B; what counts is the median of neighbours' ratios.
Tokens are those of the rows: padding does not count, and a shared prompt counts in every row, whoever computes it how
often. Loss curves of the same batches have to agree within bfloat16's noise; the table shows the gap. TRL's settings
for a race are the fastest of a declared sweep at the same shape. Results: benchmarks/results/train.json, .md and .svg.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from race_job import Job, Row, read_rows, write_rows
from train_figures import write_chart, write_table

from tunewright.actions.environment import allocator_settings, processor_name

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "train.json"
SEED = 0
ROWS_PER_STEP = 8
RANK = 16
LEARNING_RATE = {"lora": 1e-3, "full": 1e-4}
METRICS, MEASUREMENT = "runs/*/metrics.jsonl", "measured/[!.]*/measurement.json"
COLOURS = ("red", "blue", "green", "black", "white")

SHAPES = {
    "8M": {"vocab_size": 8192, "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 8,
           "num_attention_heads": 8, "num_key_value_heads": 4},
    "135M": {"vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
             "num_attention_heads": 9, "num_key_value_heads": 3},
}  # fmt: skip
"""The bundled base's, and SmolLM2-135M's."""

TRL_SETTINGS: dict[str, dict[str, Any]] = {
    "TRL default": {},
    "TRL no checkpointing, 8 rows": {},
    "TRL no checkpointing, 4 rows x 2": {"gradient_accumulation_steps": 2},
    "TRL no checkpointing, 2 rows x 4": {"gradient_accumulation_steps": 4},
    "TRL padding-free, 8 rows": {"padding_free": True, "max_length": None},
    "TRL padding-free, 4 rows x 2": {"padding_free": True, "max_length": None, "gradient_accumulation_steps": 2},
    "TRL padding-free, 2 rows x 4": {"padding_free": True, "max_length": None, "gradient_accumulation_steps": 4},
    "TRL compiled, 2 rows x 4": {"torch_compile": True, "gradient_accumulation_steps": 4},
    "TRL compiled, padding-free, 2 rows x 4": {
        "torch_compile": True,
        "padding_free": True,
        "max_length": None,
        "gradient_accumulation_steps": 4,
    },
    "TRL grouped by length": {"train_sampling_strategy": "group_by_length"},
    "TRL packing": {"packing": True, "max_length": 512, "per_device_train_batch_size": 2},
}
for _name, _settings in TRL_SETTINGS.items():
    if _name != "TRL default":
        _settings["gradient_checkpointing"] = False
OTHER_BATCHES = ("TRL grouped by length", "TRL packing")
"""Their steps hold other rows, so only their speed is compared, and the best setting is one of the others."""


@dataclass(frozen=True, slots=True)
class Race:
    """Entrants on the same rows."""

    name: str
    shape: str
    method: str
    num_steps: int
    length: int | None = None
    """Tokens of each row after the prompt; None draws them lognormally, median 180, most 512."""
    num_prompt_tokens: int = 0
    """The same in every row."""
    rounds: int = 2
    num_held_out: int = 0
    entrants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings by name; `TRL best` stands for the fastest of the sweep."""


TUNEWRIGHT: dict[str, dict[str, Any]] = {"tunewright": {}}
BEST: dict[str, dict[str, Any]] = {"TRL best": {}}
DEFAULT: dict[str, dict[str, Any]] = {"TRL default": {}}
PACKING: dict[str, dict[str, Any]] = {"TRL packing": TRL_SETTINGS["TRL packing"]}
UNSHARED: dict[str, dict[str, Any]] = {"tunewright, prompt repeated": {"share": False}}

NUM_STEPS = 50
"""Of a race: 400 rows, so that the first step, in which all is slower, weighs as little as in a short training."""

REDUCED = [
    Race("mixed-8M", "8M", "lora", NUM_STEPS, num_held_out=40, entrants=TUNEWRIGHT | BEST | PACKING),
    Race("full-8M", "8M", "full", NUM_STEPS, num_held_out=40, entrants=TUNEWRIGHT | BEST),
    Race("prompt-384-8M", "8M", "lora", NUM_STEPS, 100, 384, entrants=TUNEWRIGHT | UNSHARED | BEST),
    Race("mixed-135M", "135M", "lora", NUM_STEPS, num_held_out=40, rounds=1, entrants=TUNEWRIGHT | BEST | DEFAULT),
    Race("full-135M", "135M", "full", NUM_STEPS, num_held_out=40, rounds=1, entrants=TUNEWRIGHT | BEST),
    # Alone: what is compared is the ceiling of the matrix products.
    Race("length-128-135M", "135M", "lora", NUM_STEPS, 128, rounds=1, entrants=TUNEWRIGHT),
    Race("length-256-135M", "135M", "lora", NUM_STEPS, 256, rounds=1, entrants=TUNEWRIGHT),
]
GRID = [
    *(
        Race(f"grid-length-{n}-{shape}-{method}", shape, method, 2, n, rounds=1, entrants=TUNEWRIGHT | BEST)
        for shape in SHAPES
        for method in LEARNING_RATE
        for n in (128, 256, 512, 1024, 2048)
    ),
    *(
        Race(
            f"grid-prompt-{n}-{shape}{full}", shape, method, 3, 100, n, rounds=1, entrants=TUNEWRIGHT | UNSHARED | BEST
        )
        for shape in SHAPES
        for method, full in (("lora", ""), ("full", "-full"))
        for n in (0, 96, 384, 768)
    ),
]
"""What a token costs by length, size and share of the prompt, once each; the races above are what is compared."""


def main() -> None:
    """Run the parts that are asked for, then write table and chart from all results so far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="also every length and prompt")
    parser.add_argument("--only", nargs="*", help="parts: ceiling, start-up, sweep, or names of races")
    parser.add_argument("--rounds", type=int, help="of each race, where its own number takes too long")
    parser.add_argument("--trl-python", default=sys.executable, help="interpreter that has trl installed")
    parser.add_argument(
        "--shared-machine", action="store_true", help="one thread each, and seconds of processor time instead of time"
    )
    parser.add_argument("--figures", action="store_true", help="only write table and chart again")
    arguments = parser.parse_args()
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    races = {race.name: race for race in [*REDUCED, *GRID]}
    if arguments.rounds:
        races = {name: replace(race, rounds=arguments.rounds) for name, race in races.items()}
    all_parts = ["ceiling", "start-up", "sweep", *(race.name for race in [*REDUCED, *(GRID if arguments.full else [])])]
    parts = [] if arguments.figures else arguments.only or all_parts
    with tempfile.TemporaryDirectory() as folder:
        track = Track(Path(folder), arguments.trl_python, "processor" if arguments.shared_machine else "wall")
        for part in parts:
            if part == "ceiling":
                found["ceiling"] = {shape: track.ceiling(shape) for shape in SHAPES}
            elif part == "start-up":
                found["start_up_seconds"] = start_up(track)
            elif part == "sweep":
                sweep(track, found.setdefault("sweep", {}), lambda: save(found))
            else:
                found.setdefault("races", {})[part] = run_race(races[part], track, found.get("sweep", {}))
            save(found)
    write_table(found, RESULTS.with_suffix(".md"))
    write_chart(found, RESULTS.with_suffix(".svg"))


def save(found: dict[str, Any]) -> None:
    """All parts so far, so that a long race can be cut."""
    found["machine"] = describe_machine()
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


class Track:
    """Where jobs are laid out and entrants run."""

    def __init__(self, folder: Path, trl_python: str, clock: str) -> None:
        self.folder, self.trl_python, self.clock = folder, trl_python, clock

    def job(self, race: Race, settings: dict[str, Any]) -> Job:
        """Write what the race needs, once, and name it."""
        base = make_base(self.folder, race.shape)
        adapter = make_adapter(self.folder, base) if race.method == "lora" else None
        rows, held_out = self.folder / f"{race.name}.jsonl", self.folder / f"{race.name}-held-out.jsonl"
        if not rows.exists():
            chance = random.Random(SEED)
            text = Text(chance, SHAPES[race.shape]["vocab_size"])
            write_rows(rows, [text.row(race) for _ in range(race.num_steps * ROWS_PER_STEP)])
            write_rows(held_out, [text.row(race) for _ in range(race.num_held_out)])
        return Job(
            base=str(base),
            adapter=None if adapter is None else str(adapter),
            rows=str(rows),
            held_out=str(held_out),
            rows_per_step=ROWS_PER_STEP,
            learning_rate=LEARNING_RATE[race.method],
            settings=settings,
            clock=self.clock,
        )

    def run(self, script: str, job: Job) -> dict[str, Any]:
        """One process, and what it measured."""
        spec, result = self.folder / "job.json", self.folder / "result.json"
        spec.write_text(json.dumps(asdict(job)), encoding="utf-8")
        python = self.trl_python if script == "race_trl.py" else sys.executable
        started = time.perf_counter()
        environment = {**os.environ, **allocator_settings(), "TOKENIZERS_PARALLELISM": "false"}
        if self.clock == "processor":
            environment["OMP_NUM_THREADS"] = "1"
        done = subprocess.run(
            [python, "-W", "ignore", str(HERE / script), str(spec), str(result)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return {"failed": done.stderr.strip().splitlines()[-1:] or [str(done.returncode)]}
        return json.loads(result.read_text()) | {"process_seconds": time.perf_counter() - started}

    def ceiling(self, shape: str) -> float:
        """GFLOP/s of the shape's matrix products."""
        race = Race("ceiling", shape, "full", 1)
        return float(self.run("race_gemm.py", self.job(race, {}))["gflops"])


def start_up(track: Track, rounds: int = 3) -> dict[str, list[float]]:
    """Seconds from `tunewright tune` on 200 rows with the bundled base to the end of the first optimizer step.

    Of the first run in a home, which measures the base's general ability later, and of the next one, which finds it.
    """
    rows = track.folder / "rows.jsonl"
    places = [{"prompt": f"What is the colour of place {n}?", "completion": COLOURS[n % 5]} for n in range(200)]
    rows.write_text("".join(json.dumps(row) + "\n" for row in places), encoding="utf-8")
    found: dict[str, list[float]] = {"first run on a base": [], "next run": []}
    for number in range(rounds):
        home = track.folder / f"home-{number}"
        for seconds in found.values():
            seconds.append(seconds_to_first_step(rows, home))
            print("start-up", {name: [round(one, 1) for one in of] for name, of in found.items()}, flush=True)
    return found


def seconds_to_first_step(rows: Path, home: Path) -> float:
    """From the command on. The run goes on until the home has its base's general ability."""
    before = set(home.glob(METRICS))
    command = [sys.executable, "-m", "tunewright", "tune", str(rows), "--home", str(home)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not any("train_loss" in one.read_text() for one in {*home.glob(METRICS)} - before):
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    while process.poll() is None and not any(home.glob(MEASUREMENT)):
        time.sleep(0.1)
    process.terminate()
    process.wait()
    return seconds


def sweep(track: Track, found: dict[str, Any], save: Callable[[], None]) -> None:
    """Tokens per second of every setting of TRL, on a few steps of mixed rows; the first step does not count.

    Settings that were measured before are not measured again.
    """
    for shape in ("8M", "135M"):
        race = Race(f"sweep-{shape}", shape, "lora", 2 if shape == "135M" else 6)
        measured = found.setdefault(shape, {})
        for name, settings in TRL_SETTINGS.items():
            if name not in measured:
                run = track.run("race_trl.py", track.job(race, settings))
                measured[name] = run if "failed" in run else summary(run, read_rows(track.job(race, {}).rows))
                print(shape, name, measured[name].get("steady_tokens_per_second", run), flush=True)
                save()


def best_of(sweep_of: dict[str, Any]) -> str:
    """The fastest setting whose batches are those of the race."""
    fair = {name: run for name, run in sweep_of.items() if name not in OTHER_BATCHES and "failed" not in run}
    return max(fair, key=lambda name: fair[name]["steady_tokens_per_second"])


def run_race(race: Race, track: Track, swept: dict[str, Any]) -> dict[str, Any]:
    """All rounds of a race."""
    # What is fastest with LoRA serves full tuning, too: layouts cost the same there.
    best = best_of(swept.get(race.shape) or swept["135M"]) if "TRL best" in race.entrants else ""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in race.entrants}
    rows = read_rows(track.job(race, {}).rows)
    ceilings = []
    for _ in range(race.rounds):
        ceilings.append(track.ceiling(race.shape))
        for name, settings in race.entrants.items():
            script = "race_trl.py" if name.startswith("TRL") else "race_tunewright.py"
            run = track.run(script, track.job(race, TRL_SETTINGS[best] if name == "TRL best" else settings))
            runs[name].append(run | ({} if "failed" in run else summary(run, rows)))
            print(race.name, name, runs[name][-1].get("steady_tokens_per_second", run), flush=True)
    first = runs["tunewright"]
    return {
        "race": asdict(race),
        "clock": track.clock,
        "trl_best": best,
        "gemm_gflops": ceilings,
        "runs": runs,
        "ratios": {name: ratios(first, others) for name, others in runs.items() if name != "tunewright"},
        "largest_curve_gap": {name: curve_gap(first, others) for name, others in runs.items() if name != "tunewright"},
        "held_out_gap": {name: held_out_gap(first, others) for name, others in runs.items() if name != "tunewright"},
        "trained_share": trained_share(rows),
        "flops": flops_per_run(race, rows),
        "flops_after_first_step": flops_per_run(race, rows[ROWS_PER_STEP:]),
    }


def summary(run: dict[str, Any], rows: list[Row]) -> dict[str, float]:
    """Tokens per second: of the whole run, and of all steps after the first one."""
    tokens = [
        sum(len(row.token_ids) for row in rows[first : first + ROWS_PER_STEP])
        for first in range(0, len(rows), ROWS_PER_STEP)
    ]
    seconds = run["step_seconds"]
    if len(seconds) != len(tokens):  # TRL packs into another number of steps; all of them are about as full
        tokens = [sum(tokens) / len(seconds)] * len(seconds)
    return {
        "tokens_per_second": sum(tokens) / sum(seconds),
        "first_step_seconds": seconds[0],
        "steady_tokens_per_second": sum(tokens[1:]) / sum(seconds[1:]) if len(seconds) > 1 else math.nan,
        "seconds_beside_steps": run["process_seconds"] - sum(seconds),
        "peak_memory_bytes": run["peak_memory_bytes"],
    }


def ratios(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, Any]:
    """How many times as many tokens per second, by round and in the median."""
    pairs = [(one, other) for one, other in zip(ours, theirs, strict=True) if "failed" not in other]
    found: dict[str, Any] = {}
    for figure in ("tokens_per_second", "steady_tokens_per_second"):
        by_round = [one[figure] / other[figure] for one, other in pairs]
        found[figure] = {"median": statistics.median(by_round), "rounds": by_round} if by_round else None
    return found


def curve_gap(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> float | None:
    """Largest gap of the loss curves, as a share of the loss."""
    if "failed" in theirs[0] or len(ours[0]["losses"]) != len(theirs[0]["losses"]):
        return None
    return max(abs(one - other) / other for one, other in zip(ours[0]["losses"], theirs[0]["losses"], strict=True))


def held_out_gap(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> float | None:
    """Gap of the loss of held-out rows after training, as a share of it; None where the race has no such rows."""
    one, other = (runs[0].get("held_out_loss") for runs in (ours, theirs))
    return None if one is None or other is None else abs(one - other) / other


def trained_share(rows: list[Row]) -> float:
    """Of all tokens."""
    return sum(len(row.token_ids) - row.first_trained for row in rows) / sum(len(row.token_ids) for row in rows)


def flops_per_run(race: Race, rows: list[Row]) -> float:
    """Matrix products that the rows need: no padding, half of each attention square, the head where trained.

    Forward and the gradient of states; with full tuning that of weights, too. A shared prompt counts in every row.
    """
    shape = SHAPES[race.shape]
    width, inner = shape["hidden_size"], shape["intermediate_size"]
    keys = width * shape["num_key_value_heads"] // shape["num_attention_heads"]
    weights = 2 * width * width + 2 * keys * width + 3 * width * inner
    low_rank = RANK * (2 * (width + width) + 2 * (width + keys) + 3 * (width + inner)) if race.method == "lora" else 0
    passes = 2 if race.method == "lora" else 3
    total = 0.0
    for row in rows:
        length, num_trained = len(row.token_ids), len(row.token_ids) - row.first_trained
        # Two products forward and four backward, of which half is in the future.
        attention = 6 * width * length * length
        layer = 2 * (passes * weights + 3 * low_rank) * length + attention
        total += shape["num_hidden_layers"] * layer + 2 * passes * width * shape["vocab_size"] * num_trained
    return total


class Text:
    """Learnable rows: each token has four likely successors. The last 30 % are trained."""

    NUM_WORDS = 512

    def __init__(self, chance: random.Random, vocabulary_size: int) -> None:
        self.chance = chance
        self.words = chance.sample(range(2, vocabulary_size), self.NUM_WORDS)
        self.successors = [[chance.randrange(self.NUM_WORDS) for _ in range(4)] for _ in range(self.NUM_WORDS)]
        self.prompt: list[int] = []

    def row(self, race: Race) -> Row:
        """The prompt, the same in every row, and a walk."""
        if len(self.prompt) < race.num_prompt_tokens:
            self.prompt = self._walk(race.num_prompt_tokens)
        drawn = min(512, max(16, round(self.chance.lognormvariate(math.log(180), 0.6))))
        length = race.length or drawn
        return Row(self.prompt + self._walk(length), race.num_prompt_tokens + max(1, int(0.7 * length)))

    def _walk(self, length: int) -> list[int]:
        state, token_ids = self.chance.randrange(self.NUM_WORDS), []
        for _ in range(length):
            token_ids.append(self.words[state])
            state = self.chance.choice(self.successors[state])
        return token_ids


def make_base(folder: Path, shape: str) -> Path:
    """Random weights, saved once."""
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    base = folder / shape
    if not base.exists():
        set_seed(SEED)
        config = LlamaConfig(
            **SHAPES[shape], tie_word_embeddings=True, max_position_embeddings=4096, pad_token_id=0, eos_token_id=1
        )
        LlamaForCausalLM(config).save_pretrained(base)
    return base


def make_adapter(folder: Path, base: Path) -> Path:
    """PEFT's own start of a LoRA adapter of rank 16 on all linear layers, saved once."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, set_seed

    adapter = folder / f"{base.name}-adapter"
    if not adapter.exists():
        network = AutoModelForCausalLM.from_pretrained(base, dtype="float32")
        set_seed(SEED)
        config = LoraConfig(
            r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        get_peft_model(network, config).save_pretrained(adapter)
    return adapter


def describe_machine() -> dict[str, Any]:
    """What the figures depend on."""
    from importlib.metadata import version

    import torch

    return {
        "date": date.today().isoformat(),
        "processor": processor_name(),
        "num_threads": torch.get_num_threads(),
        "load_average": os.getloadavg()[0],
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "trl")},
    }


if __name__ == "__main__":
    main()
