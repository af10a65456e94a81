"""Passwords that a person types once, from a sheet of paper."""

import secrets

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without the letters and digits that look alike in print."""
GROUPS, LENGTH = 4, 4


def one_time_password() -> str:
    """Four groups of four: 79 bits, and easy to read aloud."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(GROUPS))
