"""The encoding cache over a real Valkey, with fake records from which a test can delete names."""

from collections.abc import Callable, Collection
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from django.core.cache import cache
from prometheus_client.parser import text_string_to_metric_families

from attendance.live import runtime
from recognition import encoding_cache as encodings_room
from recognition.crypto import Keyring, keyring, new_key, parse_key
from recognition.encoding_cache import KEEP_SECONDS, RECORD, EncodingCache, key_of, name_of, seal
from recognition.engine import SPACE
from recognition.engine.types import Face, Quality
from recognition.telemetry import metrics
from recognition.telemetry.monitor import MONITOR, Monitor

CONTENT, OTHER = "a" * 64, "b" * 64
NAME, OTHER_NAME = name_of(CONTENT, SPACE), name_of(OTHER, SPACE)
NEXT_SPACE = "another-network/1"


class EncodingRecords:
    """Everything stands but what was struck out."""

    def __init__(self) -> None:
        self.gone: set[str] = set()

    def valid_names(self, names: Collection[str]) -> set[str]:
        return set(names) - self.gone


def face(seed: int) -> Face:
    drawn = np.random.default_rng(seed)
    numbers = drawn.standard_normal((2, 128)).astype(np.float32)
    landmarks = drawn.standard_normal((5, 2)).astype(np.float32)
    quality = Quality(*drawn.random(8).tolist())
    return Face((1, -2, 300, 400), float(drawn.random()), landmarks, numbers[0], numbers[1], quality)


def process(records: EncodingRecords | None = None, size: int = 10) -> tuple[EncodingCache, Monitor]:
    """Return the cache of a new process, which shares records and Redis with others."""
    monitor = Monitor()
    return EncodingCache(records or EncodingRecords(), size=size, monitor=monitor), monitor


def same(one: Face | None, other: Face) -> bool:
    """Whether every number is the very same."""
    return one is not None and (
        one.box == other.box
        and one.score == other.score
        and astuple(one.quality) == astuple(other.quality)
        and all(
            np.array_equal(getattr(one, name), getattr(other, name))
            and getattr(one, name).dtype == np.float32
            for name in ("landmarks", "embedding", "template")
        )
    )


def counters(monitor: Monitor) -> tuple[int, int, int]:
    counters = monitor.figures().counters
    return counters["encoding_hits"], counters["encoding_misses"], counters["encoding_refused"]


def test_face_is_returned_unchanged_in_this_process_and_another() -> None:
    first, one = process()
    second, two = process()
    assert first.get(NAME, SPACE) is None
    first.put(NAME, SPACE, face(1))
    assert same(first.get(NAME, SPACE), face(1))
    assert same(second.get(NAME, SPACE), face(1))
    assert second.get(OTHER_NAME, SPACE) is None
    assert (counters(one), counters(two)) == ((1, 1, 0), (1, 1, 0))


def test_entry_lasts_a_day_and_its_bytes_are_counted() -> None:
    here, monitor = process()
    here.put(NAME, SPACE, face(1))
    assert KEEP_SECONDS - 60 < cache.ttl(key_of(NAME)) <= KEEP_SECONDS  # type: ignore[attr-defined]
    figures = monitor.figures()
    assert figures.counters["encoding_bytes_sent"] == len(cache.get(key_of(NAME)))
    assert (figures.gauges["encodings"], figures.gauges["encoding_bytes"]) == (1, RECORD.itemsize)


def test_memory_keeps_at_most_its_size_and_redis_the_others() -> None:
    here, monitor = process(size=1)
    for name, seed in ((NAME, 1), (OTHER_NAME, 2)):
        here.put(name, SPACE, face(seed))
    assert monitor.figures().gauges["encodings"] == 1
    cache.delete_many([key_of(NAME), key_of(OTHER_NAME)])
    assert here.get(NAME, SPACE) is None
    assert same(here.get(OTHER_NAME, SPACE), face(2))
    nothing, monitor = process(size=0)
    nothing.put(NAME, SPACE, face(1))
    assert monitor.figures().gauges["encodings"] == 0
    assert same(nothing.get(NAME, SPACE), face(1))


def test_deleted_entry_is_used_in_no_process_despite_copies() -> None:
    records = EncodingRecords()
    here, _ = process(records)
    there, monitor = process(records)
    here.put(NAME, SPACE, face(1))
    assert same(there.get(NAME, SPACE), face(1))
    records.gone.add(NAME)
    assert here.get(NAME, SPACE) is None
    assert there.get(NAME, SPACE) is None
    assert monitor.figures().gauges["encodings"] == 0


def test_forget_and_drop_invalid_leave_no_copies() -> None:
    records = EncodingRecords()
    here, one = process(records)
    there, two = process(records)
    for name, seed in ((NAME, 1), (OTHER_NAME, 2)):
        here.put(name, SPACE, face(seed))
        there.get(name, SPACE)
    records.gone.add(NAME)
    here.forget([NAME])
    assert cache.get(key_of(NAME)) is None
    assert (one.figures().gauges["encodings"], two.figures().gauges["encodings"]) == (1, 2)
    there.drop_invalid()
    assert two.figures().gauges["encodings"] == 1
    assert same(there.get(OTHER_NAME, SPACE), face(2))


def test_entry_deleted_while_it_is_written_leaves_no_copy() -> None:
    records = EncodingRecords()
    here, monitor = process(records)
    records.gone.add(NAME)
    here.put(NAME, SPACE, face(1))
    assert cache.get(key_of(NAME)) is None
    assert monitor.figures().gauges["encodings"] == 0


def test_deleted_entry_put_back_into_redis_is_not_used() -> None:
    records = EncodingRecords()
    here, _ = process(records)
    here.put(NAME, SPACE, face(1))
    old = cache.get(key_of(NAME))
    records.gone.add(NAME)
    here.forget([NAME])
    cache.set(key_of(NAME), old)
    assert process(records)[0].get(NAME, SPACE) is None


def _cut(data: bytes) -> object:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> object:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


def _foreign(_: bytes) -> object:
    stranger = Keyring((parse_key(new_key()),))
    return encodings_room.MAGIC + stranger.seal(bytes(RECORD.itemsize), "encoding", NAME, SPACE)


@pytest.mark.parametrize(
    "harm",
    [
        _cut,
        _flipped,
        _foreign,
        lambda _: b"",
        lambda _: b"RCEN1",
        lambda _: b"x" * 2000,
        lambda data: data[5:],
        lambda _: {"template": [0.0] * 128},
        lambda _: seal(face(9), OTHER_NAME, SPACE),
        lambda _: seal(face(9), NAME, NEXT_SPACE),
        lambda _: encodings_room.MAGIC + keyring().seal(b"short", "encoding", NAME, SPACE),
        lambda _: encodings_room.MAGIC + keyring().seal(bytes(1152), "gallery", NAME, SPACE),
    ],
    ids=[
        *("cut", "flipped", "foreign key", "empty", "head alone", "noise", "without magic"),
        *("an object", "another name", "another space", "another length", "another purpose"),
    ],
)
def test_planted_bytes_cause_only_a_new_encoding(
    harm: Callable[[bytes], object],
) -> None:
    process()[0].put(NAME, SPACE, face(1))
    cache.set(key_of(NAME), harm(cache.get(key_of(NAME))))
    fresh, monitor = process()
    assert fresh.get(NAME, SPACE) is None
    assert counters(monitor) == (0, 1, 1)
    assert cache.get(key_of(NAME)) is None
    fresh.put(NAME, SPACE, face(1))
    assert same(process()[0].get(NAME, SPACE), face(1))


def test_face_moved_to_another_key_is_refused() -> None:
    here, _ = process()
    here.put(NAME, SPACE, face(1))
    here.put(OTHER_NAME, SPACE, face(2))
    cache.set(key_of(OTHER_NAME), cache.get(key_of(NAME)))
    fresh, monitor = process()
    assert fresh.get(OTHER_NAME, SPACE) is None
    assert counters(monitor) == (0, 1, 1)
    assert same(fresh.get(NAME, SPACE), face(1))


def test_other_space_gives_other_names() -> None:
    here, _ = process()
    here.put(NAME, SPACE, face(1))
    assert name_of(CONTENT, NEXT_SPACE) != NAME
    assert here.get(name_of(CONTENT, NEXT_SPACE), NEXT_SPACE) is None


def test_entries_are_readable_as_long_as_their_key_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = parse_key(new_key()), parse_key(new_key())
    monkeypatch.setattr(encodings_room, "keyring", lambda: Keyring((old,)))
    before = name_of(CONTENT, SPACE)
    process()[0].put(before, SPACE, face(1))
    monkeypatch.setattr(encodings_room, "keyring", lambda: Keyring((new, old)))
    assert name_of(CONTENT, SPACE) == before
    assert same(process()[0].get(before, SPACE), face(1))
    monkeypatch.setattr(encodings_room, "keyring", lambda: Keyring((new,)))
    assert name_of(CONTENT, SPACE) != before
    fresh, monitor = process()
    assert fresh.get(before, SPACE) is None
    assert counters(monitor) == (0, 1, 1)


def test_redis_shows_no_numbers_and_no_digest() -> None:
    process()[0].put(NAME, SPACE, face(1))
    data = cache.get(key_of(NAME))
    assert CONTENT not in key_of(NAME)
    for numbers in (face(1).template, face(1).embedding, face(1).landmarks):
        assert numbers.tobytes()[:16] not in data


def test_memory_is_used_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_redis.cache import RedisCache

    nowhere = RedisCache(
        f"unix://{Path('/nowhere/valkey.sock')}?db=1", {"OPTIONS": {"IGNORE_EXCEPTIONS": True}}
    )
    monkeypatch.setattr(encodings_room, "cache", nowhere)
    here, monitor = process()
    assert here.get(NAME, SPACE) is None
    here.put(NAME, SPACE, face(1))
    assert same(here.get(NAME, SPACE), face(1))
    here.forget([NAME])
    assert here.get(NAME, SPACE) is None
    assert counters(monitor) == (1, 2, 0)


def test_metrics_have_hits_misses_and_bytes_of_every_cache() -> None:
    EncodingCache(EncodingRecords(), size=10, monitor=MONITOR).put(NAME, SPACE, face(1))
    runtime.galleries()
    found = {
        sample.name.removeprefix("rollcall_"): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }
    assert found["encodings"] == 1
    assert found["encoding_bytes"] == RECORD.itemsize
    assert found["encoding_bytes_sent_total"] > RECORD.itemsize
    counters = (
        "encoding_hits",
        "encoding_misses",
        "encoding_refused",
        "recognition_hits",
        "recognition_misses",
    )
    assert {f"{name}_total" for name in counters} <= set(found)
    assert {"gallery_bytes", "recognitions"} <= set(found)
