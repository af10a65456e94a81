"""One-time passwords, which a person types from a sheet of paper."""

import secrets

from attendance.models import User

# Without letters and digits that look alike in print.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP_LENGTH = 4, 4


def one_time_password() -> str:
    """Return four groups of four characters: 79 random bits, easy to read aloud."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))


def set_one_time_password(user: User) -> str:
    """Set and return a password that the user must change at the first login. The user is not saved."""
    password = one_time_password()
    user.set_password(password)
    user.must_change_password = True
    return password
