"""What every table shares: the key that outsiders see."""

import uuid

from django.db import models
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """A UUIDv7: unguessable enough to be shown, and in the order of its making, so that indexes stay dense."""
    key: uuid.UUID = uuid7()
    return key


class Identified(models.Model):
    """A row that is visible outside, under a UUIDv7 key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True
