"""Reading the environment: what is accepted, what is refused, and with which messages."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import addresses
from config.env import Environment


def errors_of(env: Environment) -> str:
    """Return the message about all errors; fail if there is none."""
    with pytest.raises(ImproperlyConfigured) as caught:
        env.raise_errors()
    return str(caught.value)


def test_missing_value_has_its_default() -> None:
    env = Environment({"EMPTY": ""})
    assert env.integer("EMPTY", 7, "", low=0, high=9) == 7
    assert env.text_list("LIST", ("a", "b"), "") == ("a", "b")
    env.raise_errors()


def test_typed_values_are_read() -> None:
    env = Environment({"I": " 12 ", "N": "0.5", "F": "Yes", "C": "CPU", "W": "a, b c"})
    assert env.integer("I", 1, "", low=0, high=20) == 12
    assert env.number("N", 1.0, "", low=0, high=1) == 0.5
    assert env.number("NOT_GIVEN", None, "", low=0, high=1) is None
    assert env.flag("F", default=False, purpose="") is True
    assert env.choice("C", "gpu", "", options=("cpu", "gpu")) == "cpu"
    assert env.text_list("W", (), "") == ("a", "b", "c")


def test_errors_are_reported_together_with_names_and_examples() -> None:
    env = Environment({"POOL": "twenty", "SCALE": "nan", "MODEL": "centreface", "ON": "maybe"})
    env.integer("POOL", 20, "", low=1, high=50)
    env.number("SCALE", 0.75, "", low=0.1, high=4.0)
    env.choice("MODEL", "auto", "", options=("auto", "centerface"))
    env.flag("ON", default=True, purpose="")
    text = errors_of(env)
    assert "POOL: 'twenty' cannot be used: write a whole number from 1 to 50, for example 20" in text
    assert "SCALE: 'nan' cannot be used: write a number from 0.1 to 4.0, for example 0.75" in text
    assert "did you mean centerface?" in text
    assert "ON: 'maybe' cannot be used: write 1 or 0" in text


@pytest.mark.parametrize("value", ["0", "51", "1e3", "½", "--1"])
def test_number_outside_its_range_is_refused(value: str) -> None:
    env = Environment({"POOL": value})
    assert env.integer("POOL", 20, "", low=1, high=50) == 20
    assert "POOL" in errors_of(env)


def test_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from the file\n")
    env = Environment({"TOKEN_FILE": str(tmp_path / "token")})
    assert env.secret("TOKEN", "", parse=str, default="") == "from the file"
    assert env.is_given("TOKEN")


def test_refused_secret_is_not_repeated() -> None:
    env = Environment({"SECRET_KEY": "hunter2"})
    env.secret("SECRET_KEY", "", parse=addresses.parse_secret_key, default="")
    assert "hunter2" not in errors_of(env)


def test_unreadable_file_is_an_error(tmp_path: Path) -> None:
    env = Environment({"TOKEN_FILE": str(tmp_path / "none")})
    assert env.text("TOKEN", "default", "") == "default"
    assert "TOKEN_FILE" in errors_of(env)


def test_value_given_twice_is_an_error(tmp_path: Path) -> None:
    env = Environment({"TOKEN": "x", "TOKEN_FILE": str(tmp_path)})
    env.text("TOKEN", "", "")
    assert "keep TOKEN or TOKEN_FILE, not both" in errors_of(env)


def test_mistyped_name_is_warned_of_with_the_similar_name() -> None:
    env = Environment({"FACE_DEVISE": "cpu", "DB_POOL_SIZE": "1", "HOME": "/", "FACE_DEVICE_FILE": ""})
    env.integer("DB_POOL_SIZE", 20, "", low=1, high=50)
    env.text("FACE_DEVICE", "", "")
    assert env.warnings() == [
        "FACE_DEVISE is not a setting of Rollcall and does nothing; did you mean FACE_DEVICE?"
    ]
    env.raise_errors()


def test_unknown_name_is_warned_of_without_a_similar_name() -> None:
    assert Environment({"REDIS_ZZZ": "1"}).warnings() == [
        "REDIS_ZZZ is not a setting of Rollcall and does nothing"
    ]
