"""Who may connect: tokens, devices, lockout after failed logins, one-time passwords."""
