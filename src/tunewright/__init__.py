"""tunewright: fine-tune a pretrained model, and prove that it was worth it.

The package is a pipeline, and its folders are the stages in their order. A folder imports only from
lower levels (tests/unit/test_import_direction.py holds this, imports inside functions included):

    0  records, errors, contracts   what we talk about: frozen records, no torch, no disk
    1  store, render, outside       where records live; messages to tokens; adapters to the world
    2  data, model                  rows in, dataset version out; load a base, attach an adapter, answer
    3  train, evaluate              recipe + dataset + model to artifact; task = dataset + system + scorer
    4  study                        arms compared on the same rows, one report
    5  lifecycle                    registry, export, moving between bases and providers
    6  actions                      one function per user verb; what notebooks import
    7  cli, server                  arguments to recipe to action to text

In a notebook: `from tunewright.actions import tune`. Importing loads no torch; the verbs do when they are called.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
