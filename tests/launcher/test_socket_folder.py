"""Choosing a folder for sockets."""

from pathlib import Path

from config.embedded_addresses import EmbeddedAddresses
from launcher.socket_folder import find_socket_folder, is_private, is_short_enough


def test_socket_folder_of_a_long_path_is_elsewhere_and_found_again(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    folder = find_socket_folder(deep)
    assert deep not in folder.parents
    assert is_short_enough(folder)
    assert folder.stat().st_mode & 0o077 == 0
    # The next start finds the same folder, so that not every start leaves one behind.
    deep.mkdir()
    EmbeddedAddresses.for_sockets(folder, "password").save(deep)
    assert find_socket_folder(deep) == folder
    folder.rmdir()


def test_private_folder_is_not_a_link_and_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert is_private(tmp_path / "real")
    assert not is_private(tmp_path / "link")
    (tmp_path / "real").chmod(0o755)
    assert not is_private(tmp_path / "real")
