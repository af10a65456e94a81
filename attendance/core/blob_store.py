"""Write and read face images of the encrypted table. Encryption binds an image to its table, row and owner."""

from uuid import UUID

from attendance.models import Blob
from recognition.crypto import keyring


def store(kind: Blob.Kind, image: bytes, *, owner: UUID, content_type: str = "image/jpeg") -> Blob:
    """Encrypt an image and insert its row. `owner` is the student, or the session where no student is known yet."""
    blob = Blob(kind=kind, content_type=content_type)
    blob.sealed = keyring().seal(image, "blob", str(blob.pk), str(owner))
    blob.save(force_insert=True)
    return blob


def read(blob: Blob, *, owner: UUID) -> bytes:
    """Return the decrypted image. Raises `recognition.crypto.CannotOpen`."""
    return keyring().open(blob.sealed, "blob", str(blob.pk), str(owner))
