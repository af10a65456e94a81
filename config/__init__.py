"""Settings, servers and start-up: everything between the machine and the applications."""
