"""The base of tables whose rows have a key that clients see."""

import uuid

from django.db import models
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """Return a UUIDv7: hard to guess, so that it may be shown, and ordered by time, so that indexes stay dense."""
    key: uuid.UUID = uuid7()
    return key


class Identified(models.Model):
    """A table whose rows clients see under a UUIDv7 key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True
