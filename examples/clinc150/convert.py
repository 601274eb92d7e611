"""Turn CLINC150's dictionary of splits into three files of rows: python convert.py data_full.json FOLDER.

The in-scope splits only. `["what is my balance", "balance"]` becomes
`{"prompt": "what is my balance", "completion": "balance"}`.
"""

import json
import sys
from pathlib import Path

FILE_OF_SPLIT = {"train": "train.jsonl", "val": "validation.jsonl", "test": "test.jsonl"}

source, folder = map(Path, sys.argv[1:3])
splits = json.loads(source.read_text(encoding="utf-8"))
folder.mkdir(parents=True, exist_ok=True)
for split, name in FILE_OF_SPLIT.items():
    lines = [json.dumps({"prompt": text, "completion": label}) + "\n" for text, label in splits[split]]
    (folder / name).write_text("".join(lines), encoding="utf-8")
