"""The converted networks: kept by digest, safe with several processes, never trusted."""

import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from recognition.engine.errors import ModelDamaged, ModelMissing
from recognition.engine.networks import conversion
from recognition.engine.networks.model_files import (
    ENCODER_FILE,
    MMOD_FILE,
    YUNET_FILE,
    locate,
    read,
)
from recognition.engine.networks.weights import ENCODER_SHA256, fold, read_layers

SOURCE = locate(MMOD_FILE, None)

START_CODE = """
import sys
from pathlib import Path
from recognition.engine.networks import conversion as networks
from recognition.engine.networks.model_files import MMOD_FILE, locate
print(len(networks.load(networks.MMOD, locate(MMOD_FILE, None), Path(sys.argv[1]))))
"""


def cached_files(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.onnx"))


def test_network_is_converted_once_to_valid_onnx(tmp_path: Path) -> None:
    made = conversion.load(conversion.MMOD, SOURCE, tmp_path)
    onnx.checker.check_model(onnx.load_from_string(made))
    (file,) = cached_files(tmp_path)
    before = file.stat().st_mtime_ns
    assert conversion.load(conversion.MMOD, SOURCE, tmp_path) == made
    assert file.stat().st_mtime_ns == before


def test_processes_that_start_together_all_load_the_network(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START_CODE, str(tmp_path)]
    starting = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    sizes = {process.communicate(timeout=120)[0] for process in starting}
    assert [process.returncode for process in starting] == [0] * 4
    assert len(sizes) == 1
    assert len(cached_files(tmp_path)) == 1
    assert not list(tmp_path.glob(".converting-*"))


@pytest.mark.parametrize("harm", ["cut", "changed", "empty"])
def test_damaged_cache_file_is_converted_again(tmp_path: Path, harm: str) -> None:
    good = conversion.load(conversion.MMOD, SOURCE, tmp_path)
    (file,) = cached_files(tmp_path)
    file.write_bytes({"cut": good[:1000], "changed": good[:-1] + b"?", "empty": b""}[harm])
    assert conversion.load(conversion.MMOD, SOURCE, tmp_path) == good
    (file,) = cached_files(tmp_path)
    assert file.read_bytes() == good


def test_unwritable_cache_converts_at_each_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "a file, not a folder"
    blocked.write_text("")
    assert len(conversion.load(conversion.MMOD, SOURCE, blocked)) > 700_000
    assert "converted at each start" in caplog.text


@pytest.mark.parametrize("harm", ["truncated", "foreign"])
def test_unpublished_weights_file_raises_model_damaged(tmp_path: Path, harm: str) -> None:
    bad = tmp_path / MMOD_FILE.name
    bad.write_bytes(SOURCE.read_bytes()[:-10] if harm == "truncated" else b"not a network at all")
    with pytest.raises(ModelDamaged, match=MMOD_FILE.name) as caught:
        conversion.load(conversion.MMOD, bad, tmp_path / "cache")
    assert caught.value.code == "model_damaged"
    assert not cached_files(tmp_path / "cache")


def test_encoder_accepts_any_number_of_chips() -> None:
    layers = fold(read_layers(locate(ENCODER_FILE, None), ENCODER_SHA256))
    model = onnx.load_from_string(conversion.build_encoder(layers))
    (batch, *rest) = model.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param
    assert [side.dim_value for side in rest] == [150, 150, 3]


def test_missing_model_error_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="fetch_models"):
        read(YUNET_FILE, tmp_path)


def test_model_in_folder_is_checked(tmp_path: Path) -> None:
    (tmp_path / YUNET_FILE.name).write_bytes(b"x" * YUNET_FILE.size)
    with pytest.raises(ModelDamaged, match=YUNET_FILE.name):
        read(YUNET_FILE, tmp_path)
