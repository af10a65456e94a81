"""API tokens of other systems: shown once, stored as a digest, and revocable."""

import datetime as dt
import hashlib
import secrets

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import ApiToken, User

# Begins each token, so that scanners for leaked secrets recognise it.
MARKER = "rc_"
SECRET_BYTES = 32
# How many characters of a token are stored and shown in lists.
PREFIX_LENGTH = 8
# The last use is stored at most this often.
LAST_USE_STORED_EVERY = dt.timedelta(minutes=1)


def create(*, user: User, name: str, actor: User | None) -> tuple[ApiToken, str]:
    """Create a token; return it with its plain text, which is stored nowhere. Raises `Refused`.

    Users create their own tokens, and those who manage users tokens for others.
    """
    if actor is not None and actor.pk != user.pk:
        policy.require(actor, Action.MANAGE_USERS)
    cleaned_name = name.strip()[:80]
    if not cleaned_name:
        raise Refused("name_needed", _("Give the token a name that says which system uses it."))
    if ApiToken.objects.filter(user=user, name=cleaned_name).exists():
        raise Refused("already", _("This user has a token of that name. Choose another name."))
    plain = MARKER + secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken.objects.create(
        user=user, name=cleaned_name, prefix=plain[:PREFIX_LENGTH], digest=digest_of(plain)
    )
    audit.record(actor, "token_created", token, user=str(user.pk))
    return token, plain


def authenticate(plain: str) -> ApiToken | None:
    """Return the token with its user; None for an unknown or revoked token and for a user who may not log in."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest_of(plain), revoked_at=None, user__is_active=True)
        .first()
    )
    if token is None:
        return None
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USE_STORED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - LAST_USE_STORED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def revoke(*, token: ApiToken, actor: User | None) -> None:
    """End a token at once; its row stays for the history. Raises `Refused`."""
    if actor is not None and actor.pk != token.user_id:
        policy.require(actor, Action.MANAGE_USERS)
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(actor, "token_revoked", token, user=str(token.user_id))


def digest_of(plain: str) -> str:
    """Return the SHA-256 digest in hex. Tokens have 256 random bits, so a slow hash would add no protection."""
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()
