"""Where records live: atomic publish, locks, run folders, frozen datasets. The only room that knows paths on disk."""

from tunewright.store.files import Files
from tunewright.store.home import Store
from tunewright.store.lock import lock_folder
from tunewright.store.publish import (
    collect_leftovers,
    publish_folder,
    read_published,
    write_record,
)
from tunewright.store.runs import Checkpoints, RunFolder

__all__ = [
    "Checkpoints",
    "Files",
    "RunFolder",
    "Store",
    "collect_leftovers",
    "lock_folder",
    "publish_folder",
    "read_published",
    "write_record",
]
