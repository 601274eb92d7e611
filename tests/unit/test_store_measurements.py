from store_samples import NOON

from tunewright.store import Files
from tunewright.store.measurements import VALUE, Measurements

KEY, OTHER = "a" * 64, "b" * 64


def measurements(folder):
    return Measurements(folder / "measured", Files(), lambda: NOON)


def test_what_was_kept_comes_back_and_nothing_else(tmp_path):
    assert measurements(tmp_path).get(KEY) is None
    assert list(tmp_path.iterdir()) == []
    measurements(tmp_path).put(KEY, {"seconds": 1.5, "words": ["é"]})
    assert measurements(tmp_path).get(KEY) == {"seconds": 1.5, "words": ["é"]}
    assert measurements(tmp_path).get(OTHER) is None
    assert measurements(tmp_path).get(KEY[:16] + "c" * 48) is None


def test_the_first_value_of_a_key_stays(tmp_path):
    measurements(tmp_path).put(KEY, {"value": 1})
    measurements(tmp_path).put(KEY, {"value": 2})
    assert measurements(tmp_path).get(KEY) == {"value": 1}


def test_a_damaged_value_is_forgotten_and_can_be_kept_again(tmp_path):
    measurements(tmp_path).put(KEY, {"value": 1})
    path = tmp_path / "measured" / KEY[:16] / VALUE
    path.write_bytes(path.read_bytes().replace(b"1}", b"7}"))
    assert measurements(tmp_path).get(KEY) is None
    measurements(tmp_path).put(KEY, {"value": 2})
    assert measurements(tmp_path).get(KEY) == {"value": 2}
