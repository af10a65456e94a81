"""Face pictures in and out of the encrypted table. The context binds a picture to its table, row and owner."""

from uuid import UUID

from attendance.models import Blob
from recognition.crypto import keyring


def store(kind: Blob.Kind, picture: bytes, *, owner: UUID, content_type: str = "image/jpeg") -> Blob:
    """Encrypt and insert. `owner` is the student, or the session where nobody is known yet."""
    blob = Blob(kind=kind, content_type=content_type)
    blob.sealed = keyring().seal(picture, "blob", str(blob.pk), str(owner))
    blob.save(force_insert=True)
    return blob


def read(blob: Blob, *, owner: UUID) -> bytes:
    """The picture. Raises `recognition.crypto.CannotOpen`."""
    return keyring().open(blob.sealed, "blob", str(blob.pk), str(owner))
