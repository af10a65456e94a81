"""What stands in the cache: JSON, or bytes as they are. Never pickle: a planted value would run code."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django_redis.serializers.base import BaseSerializer

RAW, JSON = b"b", b"j"


class TaggedSerializer(BaseSerializer):  # type: ignore[misc]  # django_redis is untyped here
    """A letter in front says which; without it, bytes made of digits would come back as a number."""

    def dumps(self, value: Any) -> bytes:
        """Bytes for Redis; TypeError for what JSON cannot say."""
        if isinstance(value, bytes | bytearray | memoryview):
            return RAW + bytes(value)
        return JSON + json.dumps(value, cls=DjangoJSONEncoder, separators=(",", ":")).encode()

    def loads(self, value: bytes) -> Any:
        """What `dumps` was given; None for anything that `dumps` did not write, which reads as a miss."""
        if value[:1] == RAW:
            return bytes(value[1:])
        if value[:1] != JSON:
            return None
        try:
            return json.loads(value[1:])
        except ValueError:
            return None
