"""The format of values in the Redis cache: JSON or bytes. Never pickle: a forged value would run code."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django_redis.serializers.base import BaseSerializer

# The first byte of a stored value says what follows it.
RAW, JSON = b"b", b"j"


class TaggedSerializer(BaseSerializer):  # type: ignore[misc]  # django_redis is untyped here
    """Write a tag before each value; without it, bytes that are all digits would come back as a number."""

    def dumps(self, value: Any) -> bytes:
        """Return the bytes to store; raise TypeError if JSON cannot represent the value."""
        if isinstance(value, bytes | bytearray | memoryview):
            return RAW + bytes(value)
        return JSON + json.dumps(value, cls=DjangoJSONEncoder, separators=(",", ":")).encode()

    def loads(self, value: bytes) -> Any:
        """Return what `dumps` was given; None, a cache miss, for anything that `dumps` did not write."""
        if value[:1] == RAW:
            return bytes(value[1:])
        if value[:1] != JSON:
            return None
        try:
            return json.loads(value[1:])
        except ValueError:
            return None
