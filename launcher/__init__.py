"""`make run`: start the servers and processes of one installation, and stop them. Also the web server itself."""
