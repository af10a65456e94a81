"""Logins: API tokens, devices, sockets, lockout after failed logins, one-time passwords."""
