"""Engines and pictures for the tests of the engine; each is made once for the whole run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recognition.engine import Engine
from recognition.engine.images.image import decode
from recognition.engine.types import Pixels
from tests import material


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Engine]]:
    """`Engine.load` with one cache folder and shared/models, each kind of engine once."""
    cache = tmp_path_factory.mktemp("networks")
    made: dict[tuple[tuple[str, object], ...], Engine] = {}

    def engine(**options: object) -> Engine:
        key = tuple(sorted(options.items()))
        if key not in made:
            models = material.models_dir() if options.get("detector") in ("yunet", "ssd") else None
            made[key] = Engine.load(cache_dir=cache, models_dir=models, **options)  # type: ignore[arg-type]
        return made[key]

    yield engine
    for each in made.values():
        each.close()


@pytest.fixture(scope="session")
def engine(load: Callable[..., Engine]) -> Engine:
    """The default engine, in f32 so that numbers can be compared."""
    return load(precision="f32")


@pytest.fixture(scope="session")
def photographs() -> list[Pixels]:
    """Pictures of shared/faces of moderate size, RGB."""
    paths = [path for of_one in material.people().values() for path in of_one]
    pictures = [read(path) for path in [*paths, *material.groups()]]
    return [rgb for rgb in pictures if rgb.shape[0] * rgb.shape[1] < 1_000_000]


@pytest.fixture(scope="session")
def lfw_pictures() -> list[Pixels]:
    """One picture of each of thirty people of LFW."""
    return [read(paths[0]) for paths in list(material.lfw().values())[:30]]


def read(path: Path) -> Pixels:
    """A picture file as the engine wants it."""
    return decode(path.read_bytes())
