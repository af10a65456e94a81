"""`make run`: starts the servers and processes of one installation, and stops them."""
