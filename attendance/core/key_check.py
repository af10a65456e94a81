"""A known value encrypted with each key (the check value), decrypted at start so that a wrong key is noticed."""

from attendance.models import KeyCheck
from recognition.crypto import CannotOpen, Keyring, key_id, keyring

CHECK_VALUE = b"rollcall key check"
# The encryption context of check values.
CONTEXT = "key_check"


def check_and_register() -> str | None:
    """Return what is wrong with FACE_DATA_KEYS, or None and store a check value for each new key.

    Nothing is stored where something is wrong.
    """
    ring = keyring()
    problem = find_problem(ring)
    if problem is None:
        _add_check_values(ring)
    return problem


def find_problem(ring: Keyring) -> str | None:
    """Return what is wrong with the keys, as a sentence; None where every key of this database is given."""
    if not ring.keys:
        return "FACE_DATA_KEYS is empty. Give the key that this database was made with."
    given = {key_id(key).hex() for key in ring.keys}
    for name, sealed in KeyCheck.objects.order_by("pk").values_list("key_id", "sealed"):
        if name not in given:
            return (
                f"FACE_DATA_KEYS lacks the key {name}, under which face data of this database are encrypted "
                f"(given: {', '.join(sorted(given))}). Put it back, behind the newest key."
            )
        try:
            value = ring.open(sealed, CONTEXT, name)
        except CannotOpen as error:
            return f"The check value of the key {name} cannot be decrypted: {error}"
        if value != CHECK_VALUE:
            return f"The check value of the key {name} is wrong. Restore the database from a backup."
    return None


def _add_check_values(ring: Keyring) -> None:
    """Store a check value for each key that has none. Two processes may do so at once."""
    known = set(KeyCheck.objects.values_list("key_id", flat=True))
    for key in ring.keys:
        name = key_id(key).hex()
        if name not in known:
            sealed = Keyring((key,)).seal(CHECK_VALUE, CONTEXT, name)
            KeyCheck.objects.bulk_create([KeyCheck(key_id=name, sealed=sealed)], ignore_conflicts=True)
