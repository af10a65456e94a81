"""One-time passwords, which a person types from a sheet of paper."""

import secrets

# Without letters and digits that look alike in print.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP_LENGTH = 4, 4


def one_time_password() -> str:
    """Return four groups of four characters: 79 random bits, easy to read aloud."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
