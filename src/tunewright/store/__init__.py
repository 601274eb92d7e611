"""Where records live: atomic publish, locks, run folders, frozen datasets. The only room that knows paths on disk."""

from tunewright.store.files import Files
from tunewright.store.home import Store
from tunewright.store.lock import lock_folder
from tunewright.store.logs import DatasetLogs, require_name
from tunewright.store.publish import (
    collect_leftovers,
    publish_folder,
    read_published,
    withdraw_if_corrupt,
    write_record,
)
from tunewright.store.runs import METRICS, Checkpoints, RunFolder

__all__ = [  # noqa: RUF022
    "Checkpoints",
    "DatasetLogs",
    "Files",
    "METRICS",
    "RunFolder",
    "Store",
    "collect_leftovers",
    "lock_folder",
    "publish_folder",
    "read_published",
    "require_name",
    "withdraw_if_corrupt",
    "write_record",
]
