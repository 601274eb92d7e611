"""The ceiling of the training race: bfloat16 matrix products at the shapes of the model.

python benchmarks/race_gemm.py JOB RESULT
"""

import json
import sys
import time
from pathlib import Path

import torch
from race_job import device, wait_for_device

SECONDS_PER_SHAPE = 0.7


def main() -> None:
    """Measure the layers' products of 2,048 tokens, forward and for the gradient, and write GFLOP/s."""
    job = json.loads(Path(sys.argv[1]).read_text())
    config = json.loads(Path(job["base"], "config.json").read_text())
    now = time.process_time if job["clock"] == "processor" else time.perf_counter
    width, inner = config["hidden_size"], config["intermediate_size"]
    flops = seconds = 0.0
    for outputs, inputs in ((2 * inner, width), (width, inner), (width, width)):
        states, weight = (torch.randn(rows, inputs).bfloat16().to(device()) for rows in (2048, outputs))
        grad = torch.randn(2048, outputs).bfloat16().to(device())
        for compute in (lambda x=states, w=weight: torch.nn.functional.linear(x, w), lambda g=grad, w=weight: g @ w):
            compute()
            count, started = 0, now()
            while now() - started < SECONDS_PER_SHAPE:
                compute()
                count += 1
                wait_for_device()
            # Weighted as in a layer, not as many as fitted into the time.
            seconds += (now() - started) / count
            flops += 2 * 2048 * outputs * inputs
    Path(sys.argv[2]).write_text(json.dumps({"gflops": flops / seconds / 1e9}))


if __name__ == "__main__":
    main()
