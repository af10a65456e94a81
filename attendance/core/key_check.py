"""A known sentence under each key, decrypted at start: a wrong key is found before it does harm."""

from attendance.models import KeyCheck
from recognition.crypto import CannotOpen, Keyring, key_id, keyring

SENTENCE = b"the canary sings"


def fault() -> str | None:
    """What is wrong with FACE_DATA_KEYS, as a sentence; None where every key of this database is here.

    A key that is new to this database gets its canary, but only when nothing is wrong with the others.
    """
    ring = keyring()
    sentence = examine(ring)
    if sentence is None:
        _plant(ring)
    return sentence


def examine(ring: Keyring) -> str | None:
    """The same without writing anything."""
    if not ring.keys:
        return "FACE_DATA_KEYS is empty. Give the key that this database was made with."
    ours = {key_id(key).hex() for key in ring.keys}
    for name, sealed in KeyCheck.objects.order_by("pk").values_list("key_id", "sealed"):
        if name not in ours:
            return (
                f"FACE_DATA_KEYS lacks the key {name}, under which face data of this database are encrypted "
                f"(given: {', '.join(sorted(ours))}). Put it back, behind the newest key."
            )
        try:
            plain = ring.open(sealed, "canary", name)
        except CannotOpen as refusal:
            return f"The canary of the key {name} cannot be opened: {refusal}"
        if plain != SENTENCE:
            return f"The canary of the key {name} says something else. Restore the database from a backup."
    return None


def _plant(ring: Keyring) -> None:
    """A canary for each key that has none; two processes may do so at once."""
    known = set(KeyCheck.objects.values_list("key_id", flat=True))
    for key in ring.keys:
        name = key_id(key).hex()
        if name not in known:
            sealed = Keyring((key,)).seal(SENTENCE, "canary", name)
            KeyCheck.objects.bulk_create([KeyCheck(key_id=name, sealed=sealed)], ignore_conflicts=True)
